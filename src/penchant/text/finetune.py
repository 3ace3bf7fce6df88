"""Fine-tune a language model to answer questions about texts: one entry for every mode, head and option."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from penchant.errors import TooLittleDataError
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.augment import Translator, augmented
from penchant.text.tuning.base import Base
from penchant.text.tuning.checkpoints import sequence_fingerprint
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Example, Task
from penchant.text.tuning.generation import CausalModel
from penchant.text.tuning.model import TunedModel, TuningReport
from penchant.text.tuning.place import Place
from penchant.text.tuning.pretraining import pretrained
from penchant.text.tuning.pseudo import pseudo_labelled
from penchant.text.tuning.run import tune_network
from penchant.text.tuning.task import TaskConfig
from penchant.training.options import Options
from penchant.training.precision import torch_threads

__all__ = ["CausalModel", "Example", "FinetuneConfig", "Place", "TaskConfig", "TunedModel", "finetune"]


def finetune(
    encoder: TransformerEncoder | CausalModel,
    examples: Sequence[Example],
    config: FinetuneConfig | None = None,
    options: Options | None = None,
    *,
    validation: Sequence[Example] = (),
    unlabelled: Sequence[str] = (),
    place: Place | Path | str | None = None,
    translator: Translator | None = None,
) -> TunedModel:
    """Tune a copy of an encoder's model on labelled texts; the encoder itself stays as it is.

    Args:
        encoder: what `load_encoder` gave; its role's prompt stands in front of each text. Or a `CausalModel`, which
            answers one task by saying the label's words.
        examples: texts with their answers; see `Example` for pairs, several labels and several tasks.
        config: mode, tasks and options; LoRA on one multi-class task by default.
        options: device, precision, seed, progress.
        validation: examples by which the best state is kept, and training may stop early.
        unlabelled: texts of the same kind without answers, for `pretraining` and `pseudo_labels`.
        place: a folder for checkpoints and logs (or a `Place`, which says more); a run that was interrupted there
            goes on where it stood. None keeps nothing.
        translator: translates texts there and back, for `augmentation.back_translation`.

    Returns:
        The tuned model: `predict(texts)`, `encode(texts)`, `save(folder)`, and `report` on how it went.

    Raises:
        TooLittleDataError: there are no examples, or only one label.
        InputError: an answer does not fit its task, or a validation label has no training example.
        TrainingError: the loss is no longer a number; says where, and which checkpoint is left.
        ConfigError: the mode does not fit the model, an option lacks what it works on, or the folder holds an
            interrupted run of something else.
    """
    started = time.perf_counter()
    config, options = config or FinetuneConfig(), options or Options()
    place = place if isinstance(place, Place) else Place(Path(place) if place is not None else None)
    tasks = settled_tasks(config, examples)
    for task in tasks:
        task.targets([example for example in validation if _belongs(example, task, tasks)])
    with torch_threads(options.threads):
        model = _tuned(encoder, examples, tasks, config, options, validation, unlabelled, place, translator)
    model.report = replace(model.report, seconds=time.perf_counter() - started)
    return model


def _tuned(
    encoder: TransformerEncoder | CausalModel,
    examples: Sequence[Example],
    tasks: tuple[Task, ...],
    config: FinetuneConfig,
    options: Options,
    validation: Sequence[Example],
    unlabelled: Sequence[str],
    place: Place,
    translator: Translator | None,
) -> TunedModel:
    """Pretraining, the networks, and rounds of pseudo-labels."""
    base = Base.of(encoder)
    if config.pretraining:
        texts = [example.text for example in examples] + list(unlabelled)
        base = pretrained(base, texts, config, options, place.below("pretraining"))
    model = _ensemble(base, encoder, examples, tasks, config, options, validation, place, translator)
    believed: list[int] = []
    for turn in range(config.pseudo_labels.rounds if config.pseudo_labels else 0):
        assert config.pseudo_labels is not None
        found = pseudo_labelled(model, unlabelled, config.pseudo_labels)
        believed.append(len(found))
        more = [*examples, *found]
        again = place.below(f"pseudo-{turn + 1}")
        model = _ensemble(base, encoder, more, tasks, config, options, validation, again, translator)
    model.report = replace(model.report, pseudo_labelled=tuple(believed))
    return model


def settled_tasks(config: FinetuneConfig, examples: Sequence[Example]) -> tuple[Task, ...]:
    """The configuration's tasks with their labels taken from the examples.

    Raises:
        TooLittleDataError: there are no examples, or a task has nothing to tell apart.
    """
    if not examples:
        raise TooLittleDataError("there are no examples to learn from; give at least one of each label")
    first = config.tasks[0].name
    return tuple(
        Task.settled(task, [example for example in examples if (example.task or first) == task.name])
        for task in config.tasks
    )


def _belongs(example: Example, task: Task, tasks: Sequence[Task]) -> bool:
    return (example.task or tasks[0].config.name) == task.config.name


def _ensemble(
    base: Base,
    encoder: TransformerEncoder | CausalModel,
    examples: Sequence[Example],
    tasks: tuple[Task, ...],
    config: FinetuneConfig,
    options: Options,
    validation: Sequence[Example],
    place: Place,
    translator: Translator | None,
) -> TunedModel:
    """Networks from as many seeds as are wanted, as one model; its report is the first one's."""
    networks, courses = [], []
    for member in range(config.ensemble):
        own = options.model_copy(update={"seed": options.seed + member})
        texts = augmented(examples, config.augmentation, encoder, own.seed, translator)
        network, course = tune_network(
            base,
            texts,
            tasks,
            config,
            own,
            validation=validation,
            place=place if config.ensemble == 1 else place.below(f"member-{member}"),
        )
        networks.append(network)
        courses.append(course)
    first = courses[0]
    report = TuningReport(
        seconds=sum(course.seconds for course in courses),
        texts_per_second=first.texts_per_second,
        trainable_parameters=sum(network.parameter_count() for network in networks),
        steps=first.steps,
        losses=tuple(first.losses),
        evaluations=tuple(first.evaluations),
        metric=first.metric,
        best=first.best,
        epsilon=first.epsilon,
        pretraining_losses=base.pretraining_losses,
        resumed_at=first.resumed_at,
    )
    fingerprint = sequence_fingerprint([course.fingerprint for course in courses])
    return TunedModel(base, config, tasks, networks, report=report, options=options, fingerprint=fingerprint)
