"""Fine-tune a language model to answer questions about texts: one entry for every mode, head and option."""

import time
from collections.abc import Sequence
from pathlib import Path

from penchant.errors import TooLittleDataError
from penchant.text.adapters import attach, settle
from penchant.text.transformer import TransformerEncoder
from penchant.text.transformer import _threads as threads
from penchant.text.tuning.base import Base
from penchant.text.tuning.batches import tokenised
from penchant.text.tuning.config import FinetuneConfig, TaskConfig
from penchant.text.tuning.examples import Example, Task
from penchant.text.tuning.model import TunedModel, TuningReport, new_network
from penchant.text.tuning.objective import TaskObjective
from penchant.text.tuning.trainer import Place, seeded, sequence_fingerprint, step_count, train
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype

__all__ = ["Example", "FinetuneConfig", "Place", "TaskConfig", "TunedModel", "finetune"]


def finetune(
    encoder: TransformerEncoder,
    examples: Sequence[Example],
    config: FinetuneConfig | None = None,
    options: Options | None = None,
    *,
    validation: Sequence[Example] = (),
    place: Place | Path | str | None = None,
) -> TunedModel:
    """Tune a copy of an encoder's model on labelled texts; the encoder itself stays as it is.

    Args:
        encoder: what `load_encoder` gave; its role's prompt stands in front of each text.
        examples: texts with their answers; see `Example` for pairs, several labels and several tasks.
        config: mode, tasks and options; LoRA on one multi-class task by default.
        options: device, precision, seed, progress.
        validation: examples by which the best state is kept, and training may stop early.
        place: a folder for checkpoints and logs (or a `Place`, which says more); a run that was interrupted there
            goes on where it stood. None keeps nothing.

    Returns:
        The tuned model: `predict(texts)`, `encode(texts)`, `save(folder)`, and `report` on how it went.

    Raises:
        TooLittleDataError: there are no examples, or only one label.
        InputError: an answer does not fit its task, or a validation label has no training example.
        TrainingError: the loss is no longer a number; says where, and which checkpoint is left.
        ConfigError: the mode does not fit the model, or the folder holds an interrupted run of something else.
    """
    config, options = config or FinetuneConfig(), options or Options()
    place = place if isinstance(place, Place) else Place(Path(place) if place is not None else None)
    tasks = settled_tasks(config, examples)
    for task in tasks:
        task.targets([example for example in validation if _belongs(example, task, tasks)])
    base = Base.of(encoder)
    return _tuned(base, examples, config, options, tasks, validation, place)


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


def _tuned(
    base: Base,
    examples: Sequence[Example],
    config: FinetuneConfig,
    options: Options,
    tasks: tuple[Task, ...],
    validation: Sequence[Example],
    place: Place,
) -> TunedModel:
    """One network from one seed."""
    started = time.perf_counter()
    device = choose_device(options)
    tokenizer = base.tokenizer(config)
    rows = tokenised(examples, tasks, tokenizer)
    held_out = tokenised(validation, tasks, tokenizer) if validation else None
    with seeded(options.seed):
        body = attach(base.body(), config, steps=step_count(len(rows), config), seed=options.seed)
        if config.gradient_checkpointing:
            body.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        network = new_network(body, tasks, config, choose_dtype(options, device))
    network.to(device)
    fingerprint = sequence_fingerprint(
        [
            base.weights.fingerprint,
            config.model_dump_json(),
            str(options.seed),
            *(repr(task.to_json()) for task in tasks),
            *(f"{example!r}" for example in examples),
        ]
    )
    with threads(options.threads):
        course = train(
            network,
            TaskObjective(config, tasks),
            rows,
            config,
            pad=tokenizer.pad,
            seed=options.seed,
            device=device,
            validation=held_out,
            place=place,
            shown=options.progress,
            fingerprint=fingerprint,
        )
    settle(network.body)
    report = TuningReport(
        seconds=time.perf_counter() - started,
        texts_per_second=course.texts_per_second,
        trainable_parameters=network.parameter_count(),
        steps=course.steps,
        losses=tuple(course.losses),
        evaluations=tuple(course.evaluations),
        metric=course.metric,
        best=course.best,
        resumed_at=course.resumed_at,
    )
    return TunedModel(base, config, tasks, [network], report=report, options=options, fingerprint=fingerprint)
