"""What each way of fine-tuning costs and reaches, against the textbook loop and against no language model at all."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import polars as pl

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Figure, data_name
from penchant.data.public import load
from penchant.errors import ConfigError, TooLittleDataError
from penchant.evaluation.cost import measured

ENCODER: Final = "e5-small"
TEXTS: Final = 1000
"""Training texts, unless the protocol says otherwise."""

_TEST: Final = 4000
_EPOCHS: Final = 4
_LENGTH: Final = 128
_TEXTBOOK: Final = "textbook"

MODES: Final[dict[str, dict[str, Any]]] = {
    "full": {"mode": "full"},
    "lora": {"mode": "lora"},
    "upper": {"mode": "upper"},
    "lora, all layers' linear parts": {"mode": "lora", "adapter": {"targets": ("*",)}},
    "adalora": {"mode": "adalora"},
    "ia3": {"mode": "ia3"},
    "prefix": {"mode": "prefix"},
    "prompt": {"mode": "prompt"},
    "p-tuning": {"mode": "p-tuning"},
    "bottleneck": {"mode": "bottleneck"},
    "frozen": {"mode": "frozen"},
    "contrastive": {"mode": "contrastive", "epochs": 4},
}
"""Each mode with the options it is measured under; what is not named is the default."""


@dataclass(frozen=True)
class Measured:
    """One way of tuning, one seed."""

    accuracy: float
    texts_per_s: float
    texts_per_cpu_s: float
    """Texts a second of processor time, which other processes disturb less."""
    peak_rss_mb: float
    trainable: int
    saved_mb: float


@dataclass(frozen=True)
class Task:
    """Labelled texts, cut in two."""

    texts: list[str]
    labels: list[str]
    test_texts: list[str]
    test_labels: list[str]


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Tune with every mode on the same texts, each in a process of its own, and with the textbook loop.

    The textbook loop trains all parameters in float32, with every text padded to 128 tokens, in batches of 32 in the
    order of input. Texts a second count the making of cached states, where a mode makes any.

    Args:
        data: as for `penchant.data.public.load`; its labelled texts are used, by the first level of their labels.
        protocol: how many texts to train on; 1000 if None. A name of a mode after a colon measures that one alone,
            beside `full` and the textbook loop: `500:lora`.
        seeds: of the choice of texts and of training; 0 if None.

    Raises:
        ConfigError: the protocol is no number, or names no mode.
        TooLittleDataError: the data holds too few labelled texts.
    """
    count, chosen = _protocol(protocol)
    labels = load(data).labels
    seeds = list(seeds or [0])
    found: dict[str, list[Measured]] = {}
    without = []
    with measured() as cost:
        for seed in seeds:
            task = drawn(labels, count, seed)
            without.append(tfidf_accuracy(task))
            found.setdefault(_TEXTBOOK, []).append(_apart(textbook, task, seed, ENCODER))
            for name in chosen:
                found.setdefault(name, []).append(_apart(tuned, task, seed, MODES[name], ENCODER))
    return BenchResult(
        name="finetune",
        data=data_name(data),
        protocol=protocol or str(TEXTS),
        metrics=_metrics(found),
        baselines={
            WITHOUT_LANGUAGE_MODEL: {"accuracy": Figure.of(without)},
            _TEXTBOOK: {key: Figure.of([getattr(one, key) for one in found[_TEXTBOOK]]) for key in _COMPARED},
        },
        seconds=cost.seconds,
        peak_rss_mb=max(one.peak_rss_mb for runs in found.values() for one in runs),
        seeds=seeds,
        tables={"modes": [{"mode": name, **_mean(runs)} for name, runs in found.items()]},
    )


_COMPARED: Final = ("accuracy", "texts_per_s", "peak_rss_mb")


def _protocol(protocol: str | None) -> tuple[int, list[str]]:
    count, _, mode = (protocol or str(TEXTS)).partition(":")
    if not count.isdigit() or (mode and mode not in MODES):
        raise ConfigError(
            f"the protocol of finetune is a number of texts, and perhaps a mode ('500:lora'); found {protocol!r}; the "
            f"modes are {', '.join(MODES)}"
        )
    return int(count), list(dict.fromkeys(["full", mode])) if mode else list(MODES)


def drawn(labels: pl.DataFrame, count: int, seed: int) -> Task:
    """Texts of exactly one first-level label, shuffled: so many to train on and 4,000 others to test.

    Raises:
        TooLittleDataError: there are not enough.
    """
    first = labels.select("text", pl.col("labels").list.eval(pl.element().str.split(" > ").list.first()).list.unique())
    single = first.filter(pl.col("labels").list.len() == 1).select("text", pl.col("labels").list.first().alias("label"))
    if len(single) < 2 * count:
        raise TooLittleDataError(f"{len(single)} texts have exactly one label; {2 * count} are wanted: ask for fewer")
    mixed = single.sample(fraction=1.0, shuffle=True, seed=seed)
    train, test = mixed.head(count), mixed.slice(count, _TEST)
    return Task(train["text"].to_list(), train["label"].to_list(), test["text"].to_list(), test["label"].to_list())


def tfidf_accuracy(task: Task) -> float:
    """Accuracy of a linear support vector machine over TF-IDF of character pairs and triples: no language model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True), LinearSVC())
    model.fit(task.texts, task.labels)
    return float(np.mean(model.predict(task.test_texts) == np.array(task.test_labels)))


def tuned(task: Task, seed: int, fields: dict[str, Any], name: str) -> Measured:
    """Our own fine-tuning in one mode."""
    from penchant.text.finetune import Example, FinetuneConfig, finetune
    from penchant.text.transformer import load_encoder
    from penchant.training.options import Options

    options = Options(seed=seed, progress=False)
    encoder = load_encoder(name, options=options)
    config = FinetuneConfig.model_validate({"max_length": _LENGTH, **fields})
    examples = [Example(text, label) for text, label in zip(task.texts, task.labels, strict=True)]
    started = time.process_time()
    with measured() as cost:
        model = finetune(encoder, examples, config, options)
    spent = time.process_time() - started
    best = model.predict(task.test_texts).argmax(1)
    with TemporaryDirectory() as folder:
        model.save(folder)
        saved = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    passes = len(examples) * config.passes
    return Measured(
        accuracy=float(np.mean([model.labels[row] == true for row, true in zip(best, task.test_labels, strict=True)])),
        texts_per_s=model.report.texts_per_second,
        texts_per_cpu_s=passes / spent,
        peak_rss_mb=cost.peak_rss_mb,
        trainable=model.report.trainable_parameters,
        saved_mb=saved / 1e6,
    )


def textbook(task: Task, seed: int, name: str) -> Measured:
    """The loop of the textbooks, around the same model: nothing spared, nothing tuned."""
    import torch
    from torch import nn

    from penchant.text.transformer import load_encoder, load_model
    from penchant.training.options import Options

    encoder = load_encoder(name, options=Options(progress=False), max_tokens=_LENGTH)
    names = sorted(set(task.labels))
    torch.manual_seed(seed)
    with measured() as cost:
        body = load_model(encoder.weights.folder, torch.float32).train()
        head = nn.Linear(body.config.hidden_size, len(names))
        parameters = [*body.parameters(), *head.parameters()]
        optimizer = torch.optim.AdamW(parameters, lr=1e-4)
        steps = _EPOCHS * -(-len(task.texts) // 32)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)

        def logits(texts: Sequence[str]) -> torch.Tensor:
            inputs = torch.full((len(texts), _LENGTH), body.config.pad_token_id or 0)
            mask = torch.zeros((len(texts), _LENGTH), dtype=torch.long)
            for row, ids in enumerate(encoder.tokenizer(texts)):
                inputs[row, : len(ids)], mask[row, : len(ids)] = torch.tensor(ids), 1
            states = body(input_ids=inputs, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).float()
            return head((states * weights).sum(1) / weights.sum(1))

        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(_EPOCHS):
            for start in range(0, len(task.texts), 32):
                chosen = slice(start, start + 32)
                targets = torch.tensor([names.index(label) for label in task.labels[chosen]])
                loss = nn.functional.cross_entropy(logits(task.texts[chosen]), targets)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, 1.0)
                optimizer.step()
                schedule.step()
        seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    body.eval()
    order = sorted(range(len(task.test_texts)), key=lambda row: len(task.test_texts[row]))
    right = 0
    with torch.inference_mode():
        for start in range(0, len(order), 64):
            rows = order[start : start + 64]
            best = logits([task.test_texts[row] for row in rows]).argmax(1).tolist()
            right += sum(names[label] == task.test_labels[row] for label, row in zip(best, rows, strict=True))
    count = sum(parameter.numel() for parameter in parameters)
    return Measured(
        accuracy=right / len(order),
        texts_per_s=len(task.texts) * _EPOCHS / seconds,
        texts_per_cpu_s=len(task.texts) * _EPOCHS / spent,
        peak_rss_mb=cost.peak_rss_mb,
        trainable=count,
        saved_mb=4 * count / 1e6,
    )


def _apart(function: Callable[..., Measured], *arguments: Any) -> Measured:
    """Run in a process of its own, so that no run inherits another's memory."""
    # Where cores are shared, threads that wait by spinning take them from whoever has work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def _mean(runs: Sequence[Measured]) -> dict[str, float | int]:
    rows = [asdict(one) for one in runs]
    return {key: round(float(np.mean([row[key] for row in rows])), 4) for key in rows[0]}


def _metrics(found: dict[str, list[Measured]]) -> dict[str, Figure]:
    """The figures to hold on to: ours against the textbook loop, LoRA against full."""

    def compared(ours: str, theirs: str, key: str, *, ratio: bool) -> Figure:
        pairs = [(getattr(a, key), getattr(b, key)) for a, b in zip(found[ours], found[theirs], strict=True)]
        return Figure.of([a / b if ratio else a - b for a, b in pairs])

    metrics = {}
    for name, suffix in (("lora", ""), ("upper", "_upper"), ("full", "_full")):
        if name in found:
            metrics[f"speedup_vs_textbook{suffix}"] = compared(name, _TEXTBOOK, "texts_per_s", ratio=True)
            metrics[f"accuracy_vs_textbook{suffix}"] = compared(name, _TEXTBOOK, "accuracy", ratio=False)
    if "lora" in found:
        metrics["lora_minus_full"] = compared("lora", "full", "accuracy", ratio=False)
        metrics["lora_speed_vs_full"] = compared("lora", "full", "texts_per_s", ratio=True)
        metrics["lora_memory_vs_full"] = compared("lora", "full", "peak_rss_mb", ratio=True)
    return metrics
