"""Where and in which number format a network runs: what `auto` means on this machine."""

import hashlib
import logging
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from penchant.artifacts import write_atomically
from penchant.errors import ConfigError, StorageError
from penchant.settings import settings
from penchant.training.options import Options

if TYPE_CHECKING:
    import torch

_LOG = logging.getLogger(__name__)

_WORTHWHILE_GAIN: Final = 1.25
"""bfloat16 must be this much faster to be worth its rounding."""


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
    """bfloat16 or float32; `auto` takes bfloat16 where the device is faster in it.

    >>> import torch
    >>> choose_dtype(Options(precision="float32"), torch.device("cpu"))
    torch.float32
    """
    import torch

    if options.precision != "auto":
        return torch.bfloat16 if options.precision == "bfloat16" else torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return torch.bfloat16 if processor_gains_from_bfloat16() else torch.float32


def processor_gains_from_bfloat16() -> bool:
    """Whether the processor multiplies matrices notably faster in bfloat16 than in float32.

    Having the instructions is not enough: several Intel generations with AVX512-BF16 but without AMX (or with AMX
    hidden by the hypervisor) are no faster in it, or slower, while AMX gains several-fold and AMD's Zen 4 about two.
    So where the instructions are there, a small product is timed in processor time, which the load of other processes
    hardly touches. The outcome is kept in the cache folder: near the threshold a second timing could fall on the other
    side, and the same seed would give another answer.
    """
    return processor_has_bfloat16() and _gain_on(Machine.here()) >= _WORTHWHILE_GAIN


class Machine(BaseModel):
    """What a timing holds for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor: str
    """The model, as the system names it."""
    torch: str
    """Version of PyTorch, whose kernels are timed."""
    threads: PositiveInt
    """How many PyTorch computes with."""

    @classmethod
    def here(cls) -> "Machine":
        """This machine, as this process uses it."""
        import torch

        return cls(processor=_processor_model(), torch=torch.__version__, threads=torch.get_num_threads())


class _Timing(BaseModel):
    """What is kept of a timing; the machine too, so that a person who opens the file sees whose it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    machine: Machine
    gain: PositiveFloat


@cache
def _gain_on(machine: Machine) -> float:
    """The gain of bfloat16: as timed before, else timed now and kept for later processes."""
    from filelock import FileLock

    name = hashlib.sha256(machine.model_dump_json().encode()).hexdigest()[:16]
    path = settings().cache / "precision" / f"{name}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of two processes that begin together, the second waits and takes what the first has found.
        with FileLock(path.with_name(f".{path.name}.lock")):
            kept = _kept(path, machine)
            if kept is None:
                kept = _Timing(machine=machine, gain=_bfloat16_gain())
                write_atomically(path, kept.model_dump_json(indent=1).encode())
            return kept.gain
    except (OSError, StorageError) as error:
        _LOG.warning(
            "the timing of bfloat16 cannot be kept in %s (%s), so another run may choose another precision; "
            "set the precision, or PENCHANT_CACHE to a folder that can be written",
            path.parent, error,
        )  # fmt: skip
        return _bfloat16_gain()


def _kept(path: Path, machine: Machine) -> _Timing | None:
    try:
        timing = _Timing.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _LOG.info("the timing of bfloat16 in %s is damaged (%s) and is taken anew", path, error)
        return None
    return timing if timing.machine == machine else None


def processor_has_bfloat16() -> bool:
    """Whether the processor has instructions for bfloat16 (AVX512-BF16, AMX, or bf16 on ARM)."""
    flags = _processor_flags()
    if platform.machine().lower() in ("aarch64", "arm64"):
        return "bf16" in flags
    return bool({"avx512_bf16", "amx_bf16"} & flags)


def _bfloat16_gain() -> float:
    """How many times faster a product of a transformer's usual shape is in bfloat16."""
    import torch

    operands = {
        dtype: (torch.ones(256, 384, dtype=dtype), torch.ones(1536, 384, dtype=dtype))
        for dtype in (torch.float32, torch.bfloat16)
    }
    best = dict.fromkeys(operands, float("inf"))
    # One thread, because waiting threads spin, and that counts as processor time.
    with torch_threads(1), torch.inference_mode():
        # In turns, and the best of many: the first call builds its kernel, and others are disturbed.
        for _ in range(16):
            for dtype, (states, weights) in operands.items():
                start = time.thread_time()
                torch.nn.functional.linear(states, weights)
                best[dtype] = min(best[dtype], time.thread_time() - start)
    return best[torch.float32] / max(best[torch.bfloat16], 1e-9)


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Run a block with PyTorch on so many threads; None leaves them as they are.

    >>> import torch
    >>> with torch_threads(1):
    ...     torch.get_num_threads()
    1
    """
    import torch

    before = torch.get_num_threads()
    if count is None or count == before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _processor_flags() -> frozenset[str]:
    return frozenset(_of_processor("flags", "features").lower().split())


def _processor_model() -> str:
    return _of_processor("model name") or f"{platform.machine()} {platform.processor()}".strip()


def _of_processor(*names: str) -> str:
    """The first line of `/proc/cpuinfo` with one of some names; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() in names:
            return value.strip()
    return ""
