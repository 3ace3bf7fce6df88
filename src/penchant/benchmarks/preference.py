"""`penchant bench preference`: will this member like this title, from few judged prompts and from many."""

import gzip
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, Published, data_name, figures
from penchant.errors import ConfigError, ReadError, TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.evaluation.cost import measured
from penchant.recommend.preference import PAIR, Preference, PreferenceConfig
from penchant.recommend.preference_examples import Judged, Prompt, read_preferences
from penchant.recommend.preference_tuned import ReaderConfig
from penchant.settings import settings
from penchant.text.encoder import Encoder
from penchant.text.finetune import FinetuneConfig
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

PROTOCOLS: Final = ("frozen", "tuned")
SEEDS: Final = (0, 1, 2)
SIZES: Final = (16, 64, 256)
FULL: Final = "full"
TUNED_ROWS: Final = 256
"""Rows up to which a pair encoder is fine-tuned: all 8,000 would take hours."""
BLOCK: Final = 20
"""Test prompts that lie together: prompts of one member follow one another, so a resample draws blocks of so many."""
TUNING: Final = FinetuneConfig(mode="upper", epochs=3, batch_size=16, max_length=160)
"""The upper layers over cached states of the lower ones: the quickest mode, for texts of 130 tokens each."""

PUBLISHED: Final[dict[str, dict[str, Published]]] = {
    "tallrec-movie": {
        "LLaMA-7B, tuned": Published.model_validate(
            {"source": "TALLRec (RecSys 2023), movie", "auc@16": 0.672, "auc@64": 0.675, "auc@256": 0.720}
        )
    },
}


def run(data: str, *, protocol: str | None = None, seeds: Sequence[int] | None = None) -> BenchResult:
    """AUC on the test prompts with 16, 64, 256 and all training prompts, a draw of them for each seed.

    Each prompt is answered from its own history and the rows drawn: other prompts of the same member are never looked
    at. Under `frozen` the language model gives titles their vectors; under `tuned` a pair encoder is fine-tuned on the
    drawn rows too, up to 256 of them, and counts as much as rows held out among them speak for. The parts of the blend
    stand beside it alone.

    Raises:
        ConfigError: there is no such protocol.
        ReadError: the data cannot be read.
        TooLittleDataError: it has no training or no test prompts.
    """
    protocol = protocol or PROTOCOLS[0]
    if protocol not in PROTOCOLS:
        raise ConfigError(f"preference has no protocol {protocol!r}; there are {', '.join(PROTOCOLS)}")
    seeds = tuple(SEEDS if seeds is None else seeds)
    with measured() as cost:
        parts = preferences(data)
        train, test = parts.get("train", []), parts.get("test", [])
        liked = np.array([row.liked for row in test])
        if not train or liked.all() or not liked.any():
            raise TooLittleDataError(f"{data} needs prompts of the splits train and test, the latter of both answers")
        encoder, base = _encoder(tuned=protocol == "tuned")
        scores: dict[str, list[dict[str, np.ndarray]]] = {}
        for seed in seeds:
            for key, rows in _draws(train, seed).items():
                for name, found in _answers(rows, [row.prompt for row in test], seed, encoder, base).items():
                    scores.setdefault(name, [{} for _ in seeds])[seeds.index(seed)][key] = found
    ours = scores.pop("penchant")
    metrics = {name: [_aucs(liked, found) for found in each] for name, each in (("penchant", ours), *scores.items())}
    return BenchResult(
        name="preference",
        data=data_name(data),
        protocol=protocol,
        metrics=figures(metrics["penchant"]),
        baselines={name: figures(metrics[name]) for name in scores if figures(metrics[name])},
        published=PUBLISHED.get(data_name(data), {}),
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={"intervals of the lead": _leads(liked, ours, scores)},
    )


def preferences(data: str) -> dict[str, list[Judged]]:
    """Judged prompts by split: of a file of preferences, or a folder with TALLRec's train, valid and test files.

    Raises:
        ReadError: there is neither.
    """
    kept = settings().data
    for path in [Path(data), *([kept / data] if kept is not None else [])]:
        if path.is_file():
            return read_preferences(path)
        found = {part: file for part in ("train", "valid", "test") if (file := _file(path, part)) is not None}
        if "test" in found:
            return {part: _tallrec(file) for part, file in found.items()}
    raise ReadError(
        f"no preferences are at {data!r}; give a .jsonl file of them, or a folder with TALLRec's train and test files"
    )


def _file(folder: Path, part: str) -> Path | None:
    for ending in (".json", ".json.gz"):
        if (folder / f"{part}{ending}").is_file():
            return folder / f"{part}{ending}"
    return None


_TITLES: Final = re.compile(r'"(.*?)"(?=,|$)')
_TARGET: Final = re.compile(r'target \w+ "(.*)"\?')


def _tallrec(path: Path) -> list[Judged]:
    """TALLRec's instructions as prompts: likes and dislikes are listed apart, so what came first is not known."""
    try:
        packed = path.read_bytes()
        rows = json.loads(gzip.decompress(packed) if path.suffix == ".gz" else packed)
        found = []
        for row in rows:
            likes, dislikes, target = row["input"].split("\n")
            wanted = _TARGET.search(target)
            if wanted is None:
                raise ValueError(f"no target in {target!r}")
            history = [(title, True) for title in _TITLES.findall(likes.partition(":")[2].strip())]
            history += [(title, False) for title in _TITLES.findall(dislikes.partition(":")[2].strip())]
            found.append(Judged(Prompt(tuple(history), wanted.group(1)), row["output"].startswith("Yes")))
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadError(f"{path} cannot be read as TALLRec's instructions: {error}") from error
    return found


def _draws(train: Sequence[Judged], seed: int) -> dict[str, list[Judged]]:
    """Rows to learn from by the key of their number, in the order of the file."""
    rng = np.random.default_rng(seed)
    found = {}
    for size in SIZES:
        if size < len(train):
            found[f"auc@{size}"] = [train[row] for row in np.sort(rng.choice(len(train), size, replace=False))]
    return found | {f"auc@{FULL}": list(train)}


def _answers(
    rows: Sequence[Judged],
    prompts: Sequence[Prompt],
    seed: int,
    encoder: Encoder,
    base: TransformerEncoder | None,
) -> dict[str, np.ndarray]:
    """System to its probabilities on the prompts."""
    options = Options(seed=seed)
    pair = ReaderConfig(tuning=TUNING) if base is not None and len(rows) <= TUNED_ROWS else None
    model = Preference(PreferenceConfig(pair=pair), encoder=encoder, tuned_from=base).fit(rows, options)
    plain = Preference(encoder=None).fit(rows, options)
    found = {"penchant": model.probability(prompts), **model.parts(prompts)}
    if PAIR in found:
        frozen = Preference(encoder=encoder).fit(rows, options)
        found["without tuning"] = frozen.probability(prompts)
    return found | {WITHOUT_LANGUAGE_MODEL: plain.probability(prompts)}


def _aucs(liked: np.ndarray, found: Mapping[str, np.ndarray]) -> dict[str, float]:
    from sklearn.metrics import roc_auc_score

    return {key: float(roc_auc_score(liked, scores)) for key, scores in found.items()}


def _leads(
    liked: np.ndarray, ours: Sequence[dict[str, np.ndarray]], others: Mapping[str, Sequence[dict[str, np.ndarray]]]
) -> list[dict[str, Cell]]:
    """For each other system and size the lead in AUC, its mean over the draws and an interval over blocks of prompts.

    An AUC has no part that belongs to one prompt. A prompt's placement comes close: a liked one's share of the disliked
    ones that it beats, and the other way round (DeLong et al., 1988); their means over blocks are compared in pairs.
    """
    rows: list[dict[str, Cell]] = []
    for name, each in others.items():
        for key in ours[0]:
            if not all(key in found for found in each):
                continue
            first = np.mean([_placements(liked, found[key]) for found in ours], axis=0)
            second = np.mean([_placements(liked, found[key]) for found in each], axis=0)
            cuts = range(BLOCK, len(liked), BLOCK)
            blocks = [
                np.array([part.mean() for part in np.split(values, cuts)], dtype=np.float64)
                for values in (first, second)
            ]
            lead = paired_difference(*blocks)
            rows.append(
                {"against": name, "metric": key, "lead": lead.value, "low": lead.low, "high": lead.high,
                 "p": lead.p_value}
            )  # fmt: skip
    return rows


def _placements(liked: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(prompts,) weighed so that their mean is the AUC: half comes from the liked ones, half from the others."""
    above = (scores[liked][:, None] > scores[~liked]) + 0.5 * (scores[liked][:, None] == scores[~liked])
    found = np.empty(len(liked))
    found[liked] = above.mean(axis=1) * len(liked) / (2 * liked.sum())
    found[~liked] = above.mean(axis=0) * len(liked) / (2 * (~liked).sum())
    return found


def _encoder(*, tuned: bool) -> tuple[Encoder, TransformerEncoder | None]:
    from penchant.text import CachedEncoder, load_encoder

    loaded = load_encoder()
    cached = CachedEncoder(loaded, settings().cache / "vectors")
    return cached, loaded if tuned and isinstance(loaded, TransformerEncoder) else None
