"""What `auto` means: the GPU where there is one, bfloat16 where it is faster and not just there."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from penchant.errors import ConfigError
from penchant.settings import Settings
from penchant.training import precision
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, torch_threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An empty cache folder, and a process that has timed nothing yet."""
    monkeypatch.setattr(precision, "settings", lambda: Settings(cache=tmp_path / "cache"))
    precision._gain_on.cache_clear()
    yield tmp_path / "cache"
    precision._gain_on.cache_clear()


@pytest.fixture
def amx(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A processor with the instructions."""
    monkeypatch.setattr(precision.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(precision, "_processor_flags", lambda: frozenset({"amx_bf16"}))
    return monkeypatch


def chosen_when_timed_as(gain: float, monkeypatch: pytest.MonkeyPatch) -> torch.dtype:
    """What a new process takes, where a timing would give this gain."""
    precision._gain_on.cache_clear()
    monkeypatch.setattr(precision, "_bfloat16_gain", lambda: gain)
    return choose_dtype(Options(), CPU)


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


def test_a_later_process_takes_what_was_timed_before(amx: pytest.MonkeyPatch) -> None:
    assert chosen_when_timed_as(1.3, amx) == torch.bfloat16
    assert chosen_when_timed_as(1.2, amx) == torch.bfloat16


@pytest.mark.parametrize("what", ["processor", "torch", "threads"])
def test_another_machine_is_timed_anew(amx: pytest.MonkeyPatch, what: str) -> None:
    assert chosen_when_timed_as(1.3, amx) == torch.bfloat16
    if what == "processor":
        amx.setattr(precision, "_processor_model", lambda: "another")
    if what == "torch":
        amx.setattr(torch, "__version__", "99.0")
    with torch_threads(torch.get_num_threads() + 1 if what == "threads" else None):
        assert chosen_when_timed_as(1.2, amx) == torch.float32


@pytest.mark.parametrize("damage", [b"", b"{", b"\x00\xff", b'{"gain": "fast"}', b'{"gain": -1}'])
def test_a_damaged_file_is_timed_over(amx: pytest.MonkeyPatch, cache: Path, damage: bytes) -> None:
    assert chosen_when_timed_as(1.3, amx) == torch.bfloat16
    (kept,) = cache.glob("precision/*.json")
    kept.write_bytes(damage)
    assert chosen_when_timed_as(1.2, amx) == torch.float32
    assert chosen_when_timed_as(1.3, amx) == torch.float32, "the new timing is kept"


def test_a_cache_that_cannot_be_written_is_told(
    amx: pytest.MonkeyPatch, cache: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache.write_text("no folder")
    with caplog.at_level(logging.WARNING):
        assert chosen_when_timed_as(1.3, amx) == torch.bfloat16
    assert "another run may choose another precision" in caplog.text


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device(Options()) == CPU
    with pytest.raises(ConfigError, match="device 'cuda' was asked for, but PyTorch finds no GPU"):
        choose_device(Options(device="cuda"))
