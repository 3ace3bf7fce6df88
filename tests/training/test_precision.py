"""What `auto` means: the GPU where there is one, bfloat16 where it is faster and not just there."""

import pytest
import torch

from penchant.errors import ConfigError
from penchant.training import precision
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, processor_gains_from_bfloat16

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def forget_what_was_measured() -> None:
    processor_gains_from_bfloat16.cache_clear()


@pytest.mark.parametrize(
    ("flags", "gain", "chosen"),
    [
        ({"avx512f", "avx512_bf16", "amx_bf16"}, 4.0, torch.bfloat16),
        ({"avx512f", "avx512_bf16"}, 1.9, torch.bfloat16),
        # The instructions are there, but no faster.
        ({"avx512f", "avx512_bf16"}, 0.6, torch.float32),
        # No instructions: emulated, whatever a measurement would say.
        ({"avx512f"}, 9.0, torch.float32),
        (set(), 9.0, torch.float32),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_gains(
    monkeypatch: pytest.MonkeyPatch, flags: set[str], gain: float, chosen: torch.dtype
) -> None:
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(precision, "_processor_flags", lambda: frozenset(flags))
    monkeypatch.setattr(precision, "_bfloat16_gain", lambda: gain)
    assert choose_dtype(Options(), CPU) == chosen


def test_arm_has_a_flag_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(precision, "_processor_flags", lambda: frozenset({"asimd", "bf16"}))
    assert precision.processor_has_bfloat16()
    monkeypatch.setattr(precision, "_processor_flags", lambda: frozenset({"asimd", "avx512_bf16"}))
    assert not precision.processor_has_bfloat16()


def test_what_is_asked_for_is_taken_whatever_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "processor_gains_from_bfloat16", lambda: False)
    assert choose_dtype(Options(precision="bfloat16"), CPU) == torch.bfloat16
    assert choose_dtype(Options(precision="float32"), torch.device("cuda")) == torch.float32


def test_the_measurement_is_steady_and_leaves_the_threads_alone() -> None:
    threads = torch.get_num_threads()
    gains = [precision._bfloat16_gain() for _ in range(3)]
    assert torch.get_num_threads() == threads
    assert max(gains) < 2 * min(gains)


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device(Options()) == CPU
    with pytest.raises(ConfigError, match="device 'cuda' was asked for, but PyTorch finds no GPU"):
        choose_device(Options(device="cuda"))
