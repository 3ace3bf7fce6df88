"""A smaller student taught by a tuned model: fewer layers, the teacher's probabilities as its answers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from penchant.artifacts import folder_written_atomically
from penchant.errors import ConfigError
from penchant.text.adapters import transformer_layers
from penchant.text.transformer import TransformerEncoder, load_encoder, load_model
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import NUMBERS, Example
from penchant.text.tuning.model import Text, TunedModel
from penchant.training.options import Options


def distilled(
    teacher: TunedModel,
    student: TransformerEncoder,
    texts: Sequence[Text],
    config: FinetuneConfig | None = None,
    options: Options | None = None,
    *,
    temperature: float = 2.0,
    examples: Sequence[Example] = (),
    validation: Sequence[Example] = (),
) -> TunedModel:
    """Tune a student on what the teacher says of texts (Hinton, Vinyals and Dean, 2015).

    Args:
        teacher: a tuned model, or an ensemble.
        student: a smaller encoder, such as `shrunk` makes.
        texts: texts of the domain; labels are not needed.
        config: how the student is tuned; its tasks are replaced by the teacher's.
        options: device, precision, seed.
        temperature: softens the probabilities of teacher and student in the loss, where there is one label of many, so
            that the order of the unlikely labels is learned too.
        examples: labelled texts to learn from besides.
        validation: labelled texts by which the student's best state is kept.

    Raises:
        ConfigError: there are no texts, or the temperature is not positive.
    """
    from penchant.text.finetune import finetune

    if not texts or temperature <= 0:
        raise ConfigError(
            f"distillation needs texts and a temperature above 0; found {len(texts)} texts, temperature {temperature}"
        )
    taught = list(examples)
    for task in teacher.tasks:
        answers = teacher.predict(texts, task.config.name)
        if task.config.kind == "multi-class":
            answers = answers ** (1 / temperature)
            answers /= answers.sum(1, keepdims=True)
        for text, answer in zip(texts, answers, strict=True):
            first, second = (text, None) if isinstance(text, str) else text
            label = float(answer[0]) if task.config.kind in NUMBERS else _shares(task.labels, answer)
            taught.append(Example(first, label, second, task.config.name))
    tasks = tuple(
        task.config.model_copy(update={"labels": task.labels or None, "temperature": temperature})
        for task in teacher.tasks
    )
    config = (config or FinetuneConfig(mode="full")).changed(tasks=tasks)
    return finetune(student, taught, config, options, validation=validation)


def _shares(labels: tuple[str, ...], answer: np.ndarray) -> dict[str, float]:
    return {label: float(share) for label, share in zip(labels, answer, strict=True)}


def shrunk(encoder: TransformerEncoder, layers: int, folder: Path | str) -> TransformerEncoder:
    """A student with some of an encoder's layers, evenly spaced, written as a Hugging Face folder.

    Args:
        encoder: the model to take layers from.
        layers: how many to keep.
        folder: where the student is written.

    Raises:
        ConfigError: the encoder does not have so many layers.
        StorageError: the folder cannot be written.
    """
    import shutil

    import torch
    from torch import nn

    body = load_model(encoder.weights.folder, torch.float32)
    stack = transformer_layers(body)
    if not 1 <= layers <= len(stack):
        raise ConfigError(f"{layers} layers were asked for; {encoder.weights.name} has {len(stack)}")
    # The first and the last always stay: one meets the embeddings, the other shapes the vectors.
    kept = np.unique(np.linspace(0, len(stack) - 1, layers).round().astype(int)) if layers > 1 else [len(stack) - 1]
    for name, module in body.named_modules():
        for child, part in list(module.named_children()):
            if part is stack:
                setattr(body.get_submodule(name), child, nn.ModuleList([stack[number] for number in kept]))
    body.config.num_hidden_layers = layers
    folder = Path(folder)
    with folder_written_atomically(folder) as scratch:
        body.save_pretrained(scratch)
        for path in encoder.weights.folder.iterdir():
            if path.is_file() and path.suffix in (".json", ".txt", ".model") and not (scratch / path.name).exists():
                shutil.copy(path, scratch / path.name)
        (scratch / "expanded.json").unlink(missing_ok=True)
    return load_encoder(folder, options=encoder.options, role=encoder.role, max_tokens=encoder.max_tokens)
