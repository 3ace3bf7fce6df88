"""Runs that are cut short: they go on where they stood, and what is damaged or foreign is refused."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_texts import labelled, quick, texts_of

from penchant.errors import ConfigError, TrainingError
from penchant.text.finetune import FinetuneConfig, Place, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning import objective
from penchant.text.tuning.checkpoints import last_checkpoint
from penchant.training.options import Options


class _CutShortError(Exception):
    pass


def cut_at(monkeypatch: pytest.MonkeyPatch, step: int, what: Callable[[], Any]) -> None:
    """Have something happen in place of one step's loss."""
    original, calls = objective.TaskObjective.loss, 0

    def loss(self: objective.TaskObjective, network: Any, batch: Any) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == step:
            happened = what()
            if happened is not None:
                return original(self, network, batch) * happened
        return original(self, network, batch)

    monkeypatch.setattr(objective.TaskObjective, "loss", loss)


def fail() -> None:
    raise _CutShortError


@pytest.mark.parametrize("mode", ["lora", "full", "upper", "adalora"])
@pytest.mark.parametrize("checkpoint_steps", [None, 2])
def test_a_run_that_was_cut_short_ends_as_if_it_had_not_been(
    mode: str,
    checkpoint_steps: int | None,
    tiny: TransformerEncoder,
    options: Options,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examples, validation, texts = labelled(16), labelled(5, seed=3), texts_of("books", 6, 4)
    config = quick(mode=mode, upper_layers=1, epochs=4, head_dropout=0.3)
    place = Place(tmp_path, checkpoint_steps)
    whole = finetune(tiny, examples, config, options, validation=validation)
    with monkeypatch.context() as patch:
        cut_at(patch, 8, fail)
        with pytest.raises(_CutShortError):
            finetune(tiny, examples, config, options, validation=validation, place=place)
    again = finetune(tiny, examples, config, options, validation=validation, place=place)
    assert again.report.resumed_at == 6
    assert np.allclose(again.report.losses, whole.report.losses, atol=1e-5)
    assert again.report.evaluations == whole.report.evaluations
    assert np.allclose(again.predict(texts), whole.predict(texts), atol=1e-5)
    assert last_checkpoint(tmp_path) is None


def test_a_checkpoint_that_was_not_finished_does_not_count(
    tiny: TransformerEncoder, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, examples = quick(epochs=4), labelled(16)
    with monkeypatch.context() as patch:
        cut_at(patch, 8, fail)
        with pytest.raises(_CutShortError):
            finetune(tiny, examples, config, options, place=tmp_path)
    newest = last_checkpoint(tmp_path)
    assert newest is not None
    state = newest / "trainer_state.json"
    state.write_bytes(state.read_bytes()[:-20])
    assert finetune(tiny, examples, config, options, place=tmp_path).report.resumed_at == 3


def test_a_folder_with_another_interrupted_run_is_refused(
    tiny: TransformerEncoder, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        cut_at(patch, 5, fail)
        with pytest.raises(_CutShortError):
            finetune(tiny, labelled(16), quick(epochs=4), options, place=tmp_path)
    with pytest.raises(ConfigError, match="holds an interrupted run of another configuration or other examples"):
        finetune(tiny, labelled(12), quick(epochs=4), options, place=tmp_path)
    anew = finetune(tiny, labelled(12), quick(epochs=1), options, place=Place(tmp_path, resume=False))
    assert anew.report.resumed_at == 0


def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    tiny: TransformerEncoder, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = labelled(16)
    with monkeypatch.context() as patch:
        cut_at(patch, 8, lambda: float("nan"))
        with pytest.raises(TrainingError, match=r"the loss became nan at step 8 of 12 .*checkpoint-6\. Lower"):
            finetune(tiny, examples, quick(epochs=4), options, place=tmp_path)
    kept = last_checkpoint(tmp_path)
    assert kept is not None
    assert json.loads((kept / "trainer_state.json").read_bytes())["global_step"] == 6
    assert finetune(tiny, examples, quick(epochs=4), options, place=tmp_path).report.resumed_at == 6


def test_a_gradient_that_is_not_finite_never_reaches_the_weights(
    tiny: TransformerEncoder, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        # The loss is still a number where its gradient is not.
        cut_at(patch, 2, lambda: torch.sqrt(torch.zeros((), requires_grad=True)) + 1 if False else float("3e38"))
        with pytest.raises(TrainingError, match=r"at step 2 of 3"):
            finetune(tiny, labelled(16), quick(epochs=1), options, place=tmp_path)


@pytest.mark.slow
def test_a_killed_process_is_taken_up_by_the_next(
    tiny_folder: Path, tiny: TransformerEncoder, options: Options, tmp_path: Path
) -> None:
    script = textwrap.dedent("""
        import os, signal, sys
        sys.path.insert(0, sys.argv[3])
        from pathlib import Path
        from tiny_texts import labelled, quick
        from penchant.text.finetune import Place, finetune
        from penchant.text.transformer import load_encoder
        from penchant.text.tuning import objective
        from penchant.training.options import Options

        original, calls = objective.TaskObjective.loss, []

        def loss(self, network, batch):
            calls.append(1)
            if len(calls) == 8:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(self, network, batch)

        objective.TaskObjective.loss = loss
        options = Options(device="cpu", precision="float32", progress=False, threads=1)
        encoder = load_encoder(Path(sys.argv[1]), options=options)
        finetune(encoder, labelled(16), quick(epochs=4), options, place=Place(Path(sys.argv[2]), 2))
    """)
    arguments = [sys.executable, "-c", script, str(tiny_folder), str(tmp_path), str(Path(__file__).parent)]
    killed = subprocess.run(arguments, capture_output=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    config: FinetuneConfig = quick(epochs=4)
    again = finetune(tiny, labelled(16), config, options, place=Place(tmp_path, 2))
    whole: TunedModel = finetune(tiny, labelled(16), config, options)
    assert again.report.resumed_at == 6
    assert np.allclose(again.report.losses, whole.report.losses, atol=1e-5)
