"""Tiers of interest against those that were planted: the protocol `planted` of `interests`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.benchmarks.result import BenchResult, Cell, Figure, data_name, figures
from penchant.data.community import Community
from penchant.data.interactions import DAY
from penchant.data.public import load
from penchant.data.simulated import SimulatedAnswers, SimulatedConfig, simulate
from penchant.data.strata import Strata, Tier
from penchant.errors import ConfigError
from penchant.evaluation.cost import measured
from penchant.interests.looks import Looks, looks
from penchant.interests.strata import StrataConfig, Stratifier
from penchant.interests.taxonomy import Taxonomy

EVENTS_PER_MEMBER: Final = 2_000
"""Of a bazaar made for this, so that half a year holds enough looks to tell a change from chance."""
ENOUGH: Final = 60.0
"""Independent looks below which a member counts as too little to tell here."""
BANDS: Final = (5.0, 20.0, 60.0, 150.0)
"""Independent looks at which the rows of the table of evidence begin."""
MOMENTS: Final = (0.5, 0.65, 0.8)
"""When verdicts are reached, as parts of the time the bazaar is watched."""
STRONG: Final = 0.15
"""A planted share that counts as an interest: of a core one all along, of a changed one before or after."""
CHANGE: Final = 3.0
"""A planted share that rose or fell so many times has changed."""
SETTLED: Final = {"abrupt": 30.0, "gradual": 50.0}
"""Days after the onset from which a change should be seen; `RECENT` is when it stops being news."""
RECENT: Final = 90.0
NAIVE_DAYS: Final = 45.0

Marks = dict[Tier, NDArray[np.bool_]]


def planted(data: str, *, seeds: Sequence[int] | None = None, config: StrataConfig | None = None) -> BenchResult:
    """How many planted core, emerging and fading interests are told, and how many changes that were none.

    What counts: core, a share of .15 and more that has not changed; emerging and fading, a share that rose to .15 or
    fell from it threefold, 30 to 90 days before (50 for changes that take 45 days to come). Members who behave oddly,
    blips and seasons are left out of these and of the false alarms, whose members have not changed yet or never do.

    A table tells the same by how much evidence there is, at the usual rules, which judge from five looks on.

    Baselines: `naive`, raw shares of the last 45 days against all before, by the same rules; `oracle`, the same rules
    on the planted shares of both periods with the onset known.

    Args:
        data: `simulated:N`, a bazaar of N events by N / 2000 members, or a folder that holds the answers of one.
        seeds: of bazaars; 0, 1 and 2 if None. A folder has one.
        config: the rules; the usual ones if None, with 60 looks as the least evidence.

    Raises:
        ConfigError: the data hold no planted answers.
    """
    rules = config or StrataConfig(least_evidence=ENOUGH)
    chosen = [0] if not data.startswith("simulated:") else list(range(3) if seeds is None else seeds)
    found: dict[str, list[dict[str, float]]] = {"ours": [], "naive": [], "oracle": []}
    usual = rules.model_copy(update={"least_evidence": BANDS[0]})
    bands: dict[float, list[_Outcome]] = {band: [] for band in BANDS}
    with measured() as cost:
        for seed in chosen:
            community, answers = _bazaar(data, seed)
            outcomes: dict[str, list[_Outcome]] = {name: [] for name in found}
            for part in MOMENTS:
                moment = answers.config.start + timedelta(days=answers.config.days * part)
                truth = _Truth(answers, moment, rules)
                stratifier = _stratifier(community, answers, rules)
                strata = stratifier.stratify(community, now=moment)
                told = strata.evidence_counts >= rules.least_evidence
                place = np.array([stratifier.taxonomy.row(path) for path in answers.interests["zh"]])
                everyone = _stratifier(community, answers, usual).stratify(community, now=moment)
                for low, high in zip(BANDS, (*BANDS[1:], np.inf), strict=True):
                    within = (everyone.evidence_counts >= low) & (everyone.evidence_counts < high)
                    bands[low].append(_Outcome(truth, _held(everyone, place), within))
                marks: dict[str, Marks] = {
                    "ours": _held(strata, place),
                    "naive": _naive(community, answers, moment, rules),
                    "oracle": truth.oracle(),
                }
                for name, mark in marks.items():
                    outcomes[name].append(_Outcome(truth, mark, told))
            for name, several in outcomes.items():
                found[name].append(_pooled(several))
    summed = {name: figures(rows) for name, rows in found.items()}
    ours: dict[str, Figure] = summed.pop("ours")
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="planted",
        metrics=ours,
        baselines=summed,
        tables={"by evidence": _rows(bands)},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=chosen,
    )


class _Truth:
    """What should be told at a moment, as (members, interests) masks."""

    def __init__(self, answers: SimulatedAnswers, moment: datetime, rules: StrataConfig) -> None:
        people, self.rules = answers.members, rules
        before, after = answers.profiles("before"), answers.profiles("after")
        since = people.select((pl.lit(moment) - pl.col("drift_at")).dt.total_seconds() / DAY).to_series()
        age = since.fill_null(-1.0).to_numpy()
        kind, odd = people["drift"].to_numpy(), people["anomaly"].to_numpy() != "none"
        self.steady = ~odd & (age < 0)
        seen = np.array([SETTLED.get(name, np.inf) for name in kind])
        changed = ~odd & (age >= seen) & (age <= RECENT)
        severity = people["severity"].to_numpy()[:, None]
        self.then, self.now = before, np.where(changed[:, None], before * (1 - severity) + after * severity, before)
        self.core = self.steady[:, None] & (before >= STRONG)
        self.rose = changed[:, None] & (self.now >= STRONG) & (self.now >= CHANGE * before)
        self.fell = changed[:, None] & (before >= STRONG) & (before >= CHANGE * self.now)

    def oracle(self) -> Marks:
        """The rules, on planted shares."""
        rules = self.rules
        rose = (self.now >= rules.change_share) & (self.now >= rules.change_growth * self.then)
        fell = (self.then >= rules.change_share) & (self.then >= rules.change_growth * self.now)
        emerging = rose & (self.then < rules.core_share)
        core = (self.now >= rules.core_share) & ~emerging & ~fell
        return {Tier.CORE: core, Tier.EMERGING: emerging, Tier.FADING: fell}


class _Outcome:
    """What was told against what should be, for the members of whom there is enough to tell."""

    def __init__(self, truth: _Truth, marks: Marks, told: NDArray[np.bool_]) -> None:
        mask = told[:, None]
        steady = truth.steady & told
        wanted = ((Tier.CORE, truth.core), (Tier.EMERGING, truth.rose), (Tier.FADING, truth.fell))
        self.values = {f"{tier}_recall": marks[tier][planted & mask] for tier, planted in wanted}
        for tier in (Tier.EMERGING, Tier.FADING):
            self.values[f"false_{tier}"] = marks[tier][steady].any(axis=1)
        self.values["core_precision"] = (truth.then >= truth.rules.core_share * 0.8)[marks[Tier.CORE] & steady[:, None]]
        self.values["too_little_to_tell"] = ~told


def _pooled(several: Sequence[_Outcome]) -> dict[str, float]:
    joined = {key: np.concatenate([each.values[key] for each in several]) for key in several[0].values}
    return {key: float(values.mean()) for key, values in joined.items() if len(values)}


def _rows(bands: dict[float, list[_Outcome]]) -> list[dict[str, Cell]]:
    """Figures by members' independent looks, at the usual rules, and how many labels or members each rests on."""
    rows: list[dict[str, Cell]] = []
    for low, several in bands.items():
        row: dict[str, Cell] = {"looks from": low}
        for key, mean in _pooled(several).items():
            if key != "too_little_to_tell":
                row |= {key: round(mean, 4), f"{key} cases": sum(len(each.values[key]) for each in several)}
        rows.append(row)
    return rows


def _bazaar(data: str, seed: int) -> tuple[Community, SimulatedAnswers]:
    if data.startswith("simulated:"):
        size = data.removeprefix("simulated:")
        if not size.isdigit():
            raise ConfigError(f"{data!r} names no number of events; write simulated:1000000")
        made = simulate(SimulatedConfig(events=int(size), members=max(12, int(size) // EVENTS_PER_MEMBER), seed=seed))
        return made.community, made.answers
    folder = Path(data)
    if not (folder / "answers").is_dir():
        raise ConfigError(f"{data} holds no planted answers; the protocol planted takes simulated:N or such a folder")
    return load(folder.as_posix()), SimulatedAnswers.load(folder / "answers")


def _stratifier(community: Community, answers: SimulatedAnswers, rules: StrataConfig) -> Stratifier:
    """Items labelled with the interest that was planted in them, in one language: labelling is measured elsewhere."""
    paths = answers.interests["zh"].to_list()
    taxonomy = Taxonomy(paths)
    targets = taxonomy.targets([[paths[interest]] for interest in answers.items["interest"]])
    return Stratifier(taxonomy, sp.csr_matrix(targets, dtype=np.float32), rules)


def _held(strata: Strata, place: NDArray[np.int64]) -> Marks:
    """(members, interests) for each tier."""
    marks: Marks = {}
    for tier in (Tier.CORE, Tier.EMERGING, Tier.FADING):
        rows = strata.table.filter(pl.col("tier") == tier.value)
        grid = np.zeros((len(strata.member_ids), len(strata.labels)), dtype=bool)
        grid[rows["member"].to_numpy(), rows["label"].to_numpy()] = True
        marks[tier] = grid[:, place]
    return marks


def _naive(community: Community, answers: SimulatedAnswers, moment: datetime, rules: StrataConfig) -> Marks:
    """Raw shares with the same fixed thresholds: the last 45 days against all that came before."""
    seen = looks(community, rules.weights)
    now = moment.timestamp()
    seen = seen.chosen((seen.weight > 0) & (seen.at <= now))
    interest = answers.items["interest"].to_numpy()
    late = seen.at > now - NAIVE_DAYS * DAY
    count = (len(community.member_ids), len(answers.interests))
    long, recent, older = (_shares(part, interest, count) for part in (seen, seen.chosen(late), seen.chosen(~late)))
    rose = (recent >= rules.change_share) & (recent >= rules.change_growth * older) & (older < rules.core_share)
    fell = (older >= rules.change_share) & (older >= rules.change_growth * recent)
    return {Tier.EMERGING: rose, Tier.FADING: fell, Tier.CORE: (long >= rules.core_share) & ~rose & ~fell}


def _shares(seen: Looks, interest: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.float64]:
    counts = np.zeros(shape)
    np.add.at(counts, (seen.member, interest[seen.item]), seen.weight)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
