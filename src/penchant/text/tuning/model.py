"""A fine-tuned model: answers tasks, encodes texts, and is saved as a folder."""

import copy
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from penchant.artifacts import load_artifact, read_manifest, save_artifact
from penchant.errors import ArtifactError, ConfigError
from penchant.language import Phrase
from penchant.text.adapters import is_peft, load_adapter, save_adapter
from penchant.text.progress import progress
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.base import Base
from penchant.text.tuning.batches import Collator, tokenised
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.evaluating import in_order_of_length
from penchant.text.tuning.examples import NUMBERS, Example, Task
from penchant.text.tuning.generation import CausalModel
from penchant.text.tuning.network import Network
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, torch_threads
from penchant.vectors import Floats, unit_rows

Text = str | tuple[str, str]
"""A text, or two: compared, or read as one, as the task wants."""

KIND: Final = "tuned-model"
_ANSWERING: Final = Phrase("Labelling texts", "文本标注")


@dataclass(frozen=True)
class TuningReport:
    """What a run cost and reached."""

    seconds: float
    texts_per_second: float
    """Texts trained on a second; where states are cached, their making is counted."""
    trainable_parameters: int
    steps: int
    losses: tuple[float, ...] = ()
    """Loss of each batch."""
    evaluations: tuple[dict[str, float], ...] = ()
    """Metrics on the validation examples, one entry an evaluation."""
    metric: str = ""
    best: float | None = None
    """The best value of the metric; the model has the state that reached it."""
    epsilon: float | None = None
    """Privacy spent, where the run was private, at the delta of the configuration."""
    pseudo_labelled: tuple[int, ...] = ()
    """Unlabelled texts that were believed, one number a round."""
    pretraining_losses: tuple[float, ...] = ()
    """Loss of each batch of domain pretraining."""
    resumed_at: int = 0
    """The step at which an interrupted run went on; 0 where it ran through."""


class TunedModel:
    """One network, or several tuned from different seeds whose probabilities are averaged.

    It is an `Encoder` too: `encode` gives the pooled vectors that the heads see, scaled to unit length.
    """

    def __init__(
        self,
        base: Base,
        config: FinetuneConfig,
        tasks: tuple[Task, ...],
        networks: Sequence[Network],
        *,
        report: TuningReport,
        options: Options | None = None,
        fingerprint: str,
    ) -> None:
        self.base, self.config, self.tasks, self.report = base, config, tasks, report
        self.networks = list(networks)
        self.fingerprint = fingerprint
        self.options = options or Options()
        self.device = choose_device(self.options)
        self.tokenizer = base.tokenizer(config, tasks)
        dtype = choose_dtype(self.options, self.device)
        for network in self.networks:
            network.to(self.device).eval()
            network.dtype = dtype

    @property
    def name(self) -> str:
        """The base model, the mode and a fingerprint of what was learned: keys the cache of vectors."""
        return f"{self.base.weights.name}+{self.config.mode}@{self.fingerprint}/{self.networks[0].dtype}".replace(
            "torch.", ""
        )

    @property
    def width(self) -> int:
        """Length of the vectors that `encode` gives."""
        return sum(network.width for network in self.networks)

    def task(self, name: str | None = None) -> Task:
        """The task of this name; the first where none is given.

        Raises:
            ConfigError: there is no such task.
        """
        for task in self.tasks:
            if name in (None, task.config.name):
                return task
        raise ConfigError(f"there is no task {name!r}; the model has {[task.config.name for task in self.tasks]}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the first task, in the order of the columns of `predict`."""
        return self.tasks[0].labels

    def predict(self, texts: Sequence[Text], task: str | None = None) -> Floats:
        """Answers to one task.

        Args:
            texts: texts, or pairs of them; an empty text is answered like any other.
            task: its name; the first where none is given.

        Returns:
            (texts, labels) float32 probabilities. Rows sum to one for `multi-class` and `binary`; each label of a
            `multi-label` task stands alone. `regression`, `pair` and `similarity` have one column: the number.
        """
        asked = self.task(task)
        examples = [
            Example(text, "", None, asked.config.name)
            if isinstance(text, str)
            else Example(text[0], "", text[1], asked.config.name)
            for text in texts
        ]
        if not examples:
            return np.zeros((0, max(1, len(asked.labels))), dtype=np.float32)
        answers = np.mean([self._answers(network, examples, asked) for network in self.networks], axis=0)
        if asked.config.kind == "binary":
            answers = np.hstack([1 - answers, answers])
        if asked.config.kind in NUMBERS:
            answers = answers * asked.scale + asked.centre
        return answers.astype(np.float32)

    def _answers(self, network: Network, examples: Sequence[Example], task: Task) -> Floats:
        rows = tokenised(examples, [task], self.tokenizer, answered=False)
        answers = np.empty((len(rows), task.outputs), dtype=np.float32)
        with (
            progress(_ANSWERING, len(rows), shown=self.options.progress) as advance,
            torch.inference_mode(),
            torch_threads(self.options.threads),
        ):
            for batch in in_order_of_length(rows, Collator(self.tokenizer.pad), self.device):
                said = network.said(network(batch))[task.config.name]
                answers[batch["numbers"].cpu().numpy()] = said.cpu().numpy()
                advance(len(said))
        return answers

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm: the vectors that the heads see, of all networks side by side."""
        if not len(texts):
            return np.zeros((0, self.width), dtype=np.float32)
        examples = [Example(text, "") for text in texts]
        plain = Task(self.tasks[0].config.model_copy(update={"kind": "multi-class"}), ())
        rows = tokenised(examples, [plain], self.tokenizer, answered=False)
        parts = []
        for network in self.networks:
            vectors = np.empty((len(rows), network.width), dtype=np.float32)
            with torch.inference_mode(), torch_threads(self.options.threads):
                for batch in in_order_of_length(rows, Collator(self.tokenizer.pad), self.device):
                    vectors[batch["numbers"].cpu().numpy()] = network.vectors(batch["inputs"]).float().cpu().numpy()
            parts.append(unit_rows(vectors))
        return unit_rows(np.hstack(parts))

    def alone(self, number: int) -> "TunedModel":
        """One network of an ensemble, as a model."""
        twin = copy.copy(self)
        twin.networks = [self.networks[number]]
        return twin

    def save(self, folder: Path | str) -> None:
        """Write what was learned, by folder: an adapter in PEFT's own format, the rest as safetensors.

        The pretrained model is not copied: `load` finds it by name.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = Path(folder)
        for left in folder.glob("adapter-*"):
            # Of a model saved here before: `load` would take it for this one's.
            shutil.rmtree(left)
        arrays: dict[str, np.ndarray] = {
            f"base/{name}": tensor.detach().cpu().numpy() for name, tensor in self.base.changes.items()
        }
        files: list[str] = []
        for number, network in enumerate(self.networks):
            if is_peft(network.body):
                place = folder / f"adapter-{number}"
                files += [f"{place.name}/{file}" for file in save_adapter(network.body, place, self.base.source)]
            arrays |= {f"{number}/{name}": tensor.cpu().numpy() for name, tensor in _state(network).items()}
        save_artifact(
            folder,
            KIND,
            arrays=arrays,
            meta={
                "base": self.base.to_json(),
                "config": self.config.model_dump(),
                "tasks": [task.to_json() for task in self.tasks],
                "networks": len(self.networks),
                "fingerprint": self.fingerprint,
                "report": vars(self.report),
            },
            files=files,
        )

    @classmethod
    def load(
        cls,
        folder: Path | str,
        encoder: TransformerEncoder | CausalModel | None = None,
        *,
        options: Options | None = None,
    ) -> "TunedModel":
        """Read back a model that predicts what the saved one did, to 1e-6 in the same precision.

        Args:
            folder: what `save` wrote.
            encoder: the pretrained model it was tuned from; found by name where absent.
            options: device, precision, progress.

        Raises:
            ArtifactError: the folder is damaged, or the pretrained model is another.
            WeightsError: the pretrained model cannot be found.
        """
        folder = Path(folder)
        meta = read_manifest(folder)["meta"]
        artifact = load_artifact(folder, KIND)
        changes = {
            name.removeprefix("base/"): torch.from_numpy(array)
            for name, array in artifact.arrays.items()
            if name.startswith("base/")
        }
        base = Base.found(meta["base"], changes, encoder)
        config = FinetuneConfig.model_validate(meta["config"])
        tasks = tuple(Task.from_json(task) for task in meta["tasks"])
        networks = []
        for number in range(meta["networks"]):
            network = _empty_network(base, config, tasks, folder / f"adapter-{number}")
            prefix = f"{number}/"
            state = {
                name.removeprefix(prefix): torch.from_numpy(array)
                for name, array in artifact.arrays.items()
                if name.startswith(prefix)
            }
            missing = [name for name in network.load_state_dict(state, strict=False).missing_keys if name in state]
            if missing or _state(network).keys() != state.keys():
                raise ArtifactError(f"{folder} does not fit the model it names; tune again")
            networks.append(network)
        said: dict[str, Any] = {name: tuple(it) if isinstance(it, list) else it for name, it in meta["report"].items()}
        report = TuningReport(**said)
        return cls(base, config, tasks, networks, report=report, options=options, fingerprint=meta["fingerprint"])


def _empty_network(base: Base, config: FinetuneConfig, tasks: tuple[Task, ...], adapter: Path) -> Network:
    body = load_adapter(base.body(), adapter) if adapter.is_dir() else base.attached(config, steps=1)
    return base.network(body, tasks, config, torch.float32)


def _state(network: Network) -> dict[str, Tensor]:
    """What `save` writes apart from a PEFT adapter: all that learned, and the heads' buffers."""
    return {
        name: tensor
        for name, tensor in network.learned().items()
        if not (is_peft(network.body) and name.startswith("body."))
    }
