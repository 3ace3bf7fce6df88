"""Where and in which number format a network runs: what `auto` means on this machine."""

import platform
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from penchant.errors import ConfigError
from penchant.training.options import Options

if TYPE_CHECKING:
    import torch


def choose_device(options: Options) -> "torch.device":
    """The device the options ask for; `auto` takes a GPU where there is one.

    Raises:
        ConfigError: `cuda` is asked for and there is none.

    >>> choose_device(Options(device="cpu"))
    device(type='cpu')
    """
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device 'cuda' was asked for, but PyTorch finds no GPU; use device 'auto' or 'cpu'")
    if options.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(options.device)


def choose_dtype(options: Options, device: "torch.device") -> "torch.dtype":
    """bfloat16 or float32; `auto` takes bfloat16 where the device multiplies in it.

    >>> import torch
    >>> choose_dtype(Options(precision="float32"), torch.device("cpu"))
    torch.float32
    """
    import torch

    if options.precision != "auto":
        return torch.bfloat16 if options.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if processor_has_bfloat16() else torch.float32


@cache
def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 in hardware (AVX512-BF16, AMX, or bf16 on ARM).

    Elsewhere bfloat16 is emulated, which is slower than float32; so an unknown processor counts as one without.
    """
    flags = _processor_flags()
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "bf16" in flags
    return bool({"avx512_bf16", "amx_bf16"} & flags)


def _processor_flags() -> frozenset[str]:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() in ("flags", "features"):
            return frozenset(value.lower().split())
    return frozenset()
