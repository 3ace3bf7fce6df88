"""One network from one seed: freeze and extend the model, cache what does not learn, train, settle."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from penchant.text.adapters import recompute_activations
from penchant.text.tuning.adalora import settle
from penchant.text.tuning.base import Base
from penchant.text.tuning.batches import Collator, JointTokenizer, Rows, tokenised
from penchant.text.tuning.checkpoints import sequence_fingerprint
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.contrastive import LabelSampler, PairsObjective, fit_logistic_head
from penchant.text.tuning.course import Course
from penchant.text.tuning.evaluating import evaluated, in_order_of_length, moved
from penchant.text.tuning.examples import Example, Task
from penchant.text.tuning.generation import CausalNetwork, GenerationObjective
from penchant.text.tuning.metrics import metric_of
from penchant.text.tuning.network import Network
from penchant.text.tuning.objective import Objective, TaskObjective
from penchant.text.tuning.place import Place
from penchant.text.tuning.probing import probe
from penchant.text.tuning.seeding import seeded
from penchant.text.tuning.states import Given, cached_states, lower_part, upper_part
from penchant.text.tuning.trainer import Validation, step_count, train
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype
from penchant.vectors import Floats, unit_rows


@dataclass
class _Run:
    """All that a run works on."""

    network: Network
    config: FinetuneConfig
    options: Options
    tokenizer: JointTokenizer
    device: torch.device
    place: Place
    fingerprint: str
    rows: Rows
    validation: Rows | None


def tune_network(
    base: Base,
    examples: Sequence[Example],
    tasks: tuple[Task, ...],
    config: FinetuneConfig,
    options: Options,
    *,
    validation: Sequence[Example] = (),
    place: Place | None = None,
) -> tuple[Network, Course]:
    """Tune one network; see `penchant.text.finetune.finetune` for what is raised.

    Returns:
        The network, and how it went: seconds and texts a second count the making of cached states.
    """
    device = choose_device(options)
    tokenizer = base.tokenizer(config, tasks)
    rows = tokenised(examples, tasks, tokenizer)
    with seeded(options.seed):
        body = base.attached(config, steps=step_count(len(rows), config), seed=options.seed)
        if config.gradient_checkpointing:
            recompute_activations(body)
        network = base.network(body, tasks, config, _dtype(config, options, device)).to(device)
    run = _Run(
        network=network,
        config=config,
        options=options,
        tokenizer=tokenizer,
        device=device,
        place=place or Place(),
        fingerprint=_fingerprint(base, examples, tasks, config, options),
        rows=rows,
        validation=tokenised(validation, tasks, tokenizer) if validation else None,
    )
    if isinstance(network, CausalNetwork) and config.mode == "frozen":
        course = _asked(run, network)
    else:
        course = _contrastive(run) if config.mode == "contrastive" else _supervised(run)
    settle(network.body)
    network.eval()
    return network, course


def _supervised(run: _Run) -> Course:
    """Train on the answers; where layers are frozen below, over their cached states."""
    started = time.perf_counter()
    with _prepared(run) as (network, collator, validation):
        if run.config.probes_first and not isinstance(network, CausalNetwork):
            probe(network, run.rows, collator, run.config, run.device)
        prepared = time.perf_counter() - started
        course = train(
            network,
            _objective(network, run.config),
            run.rows,
            run.config,
            collator=collator,
            seed=run.options.seed,
            device=run.device,
            validation=validation,
            place=run.place,
            shown=run.options.progress,
            fingerprint=run.fingerprint,
        )
    if prepared and course.texts_per_second:
        texts = len(run.rows) * run.config.passes
        course.texts_per_second = texts / (texts / course.texts_per_second + prepared)
    return course


def _objective(network: Network, config: FinetuneConfig) -> Objective:
    if isinstance(network, CausalNetwork):
        return GenerationObjective(config, network.tasks[0])
    return TaskObjective(config, network.tasks)


def _asked(run: _Run, network: CausalNetwork) -> Course:
    """Train nothing: a causal model answers from what it knows, once what it says of no text is known."""
    collator = Collator(run.tokenizer.pad)
    network.eval()
    network.measure_prior(moved(collator.inputs(run.tokenizer([""]), [None]), run.device))
    course = Course(fingerprint=run.fingerprint, metric=metric_of(network.tasks, "auto"))
    if run.validation:
        course.evaluations = [{"step": 0, **evaluated(network, run.validation, collator)}]
        course.best = course.evaluations[0][course.metric]
    return course


@contextmanager
def _prepared(run: _Run) -> Iterator[tuple[Network, Collator, Validation | None]]:
    """The network as it is trained, with what feeds it: the whole one on tokens, or its upper part on states."""
    mode, pad = run.config.mode, run.tokenizer.pad
    if mode not in ("upper", "frozen") or isinstance(run.network, CausalNetwork):
        validation = Validation(run.validation, Collator(pad)) if run.validation else None
        yield run.network, Collator(pad), validation
        return
    frozen = mode == "frozen"
    below = run.network.body if frozen else lower_part(run.network.body, run.config.upper_layers)
    # A vector is all that a frozen model's head needs, unless the weighting of its tokens is learned.
    pooling = run.network.pooling if frozen and run.config.pooling != "attention" else None
    network = run.network.over(Given() if frozen else upper_part(run.network.body, run.config.upper_layers))
    with ExitStack() as stack:

        def cached(rows: Rows) -> Collator:
            states = cached_states(
                below, rows, pad, dtype=run.network.dtype, pooling=pooling, shown=run.options.progress
            )
            return stack.enter_context(states)

        collator = cached(run.rows)
        if frozen and run.config.privacy is None:
            # The mean of all vectors would tell of each.
            _standardise(network, run.rows, collator, run.device)
        yield network, collator, Validation(run.validation, cached(run.validation)) if run.validation else None


@torch.no_grad()
def _standardise(network: Network, rows: Rows, collator: Collator, device: torch.device) -> None:
    seen: dict[str, list[torch.Tensor]] = {}
    for batch in in_order_of_length(rows, collator, device):
        for name, features in network.features(batch).items():
            seen.setdefault(name, []).append(features)
    for name, parts in seen.items():
        network.head(name).standardise(torch.cat(parts))


def _contrastive(run: _Run) -> Course:
    """Pull pairs together and apart, then fit the head on the vectors that came of it."""
    network, config, task = run.network, run.config, run.network.tasks[0]
    targets = np.stack([row.target for row in run.rows.rows if row.target is not None])
    answers = targets.argmax(1) if targets.shape[1] > 1 else (targets[:, 0] > 0.5).astype(np.int64)
    for head in network.heads.values():
        # The head is fitted afterwards: no gradient reaches it, and no step may decay it.
        head.requires_grad_(False)
    course = train(
        network,
        PairsObjective(config, network.tasks),
        run.rows,
        config,
        collator=Collator(run.tokenizer.pad),
        seed=run.options.seed,
        device=run.device,
        sampler=LabelSampler(answers.tolist(), config.batch_size, config.contrastive.texts_per_label, run.options.seed),
        place=run.place,
        shown=run.options.progress,
        fingerprint=run.fingerprint,
    )
    collator = Collator(run.tokenizer.pad)
    vectors = vectors_of(network, run.rows, collator, run.device)
    fit_logistic_head(network, unit_rows(vectors), targets, config.contrastive.regularisation)
    network.head(task.config.name).requires_grad_(True)
    if run.validation:
        course.evaluations = [{"step": course.steps, **evaluated(network, run.validation, collator)}]
        course.best = course.evaluations[0][course.metric]
    return course


def vectors_of(network: Network, rows: Rows, collator: Collator, device: torch.device) -> Floats:
    """(rows, width) pooled vectors, in the order of the rows."""
    vectors = np.empty((len(rows), network.width), dtype=np.float32)
    with torch.inference_mode():
        for batch in in_order_of_length(rows, collator, device):
            vectors[batch["numbers"].cpu().numpy()] = network.vectors(batch["inputs"]).float().cpu().numpy()
    return vectors


def _dtype(config: FinetuneConfig, options: Options, device: torch.device) -> torch.dtype:
    # Opacus adds noise to sums of single gradients: these stay in float32.
    return torch.float32 if config.privacy else choose_dtype(options, device)


def _fingerprint(
    base: Base, examples: Sequence[Example], tasks: tuple[Task, ...], config: FinetuneConfig, options: Options
) -> str:
    return sequence_fingerprint(
        [
            base.weights.fingerprint,
            config.model_dump_json(),
            str(options.seed),
            *(repr(task.to_json()) for task in tasks),
            *(f"{example!r}" for example in examples),
        ]
    )
