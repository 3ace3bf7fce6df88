"""Interest stratification: from looks and label probabilities to each member's tiers, with intervals and evidence."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat

from penchant.data.community import Community
from penchant.data.drift import DriftVerdict
from penchant.data.interactions import DAY, Decay, EventWeights, seconds
from penchant.data.strata import SCHEMA, Strata, Tier
from penchant.errors import InputError
from penchant.interests.changes import ChangeRules, Changes, find_changes, sessions, thresholds
from penchant.interests.evidence import evidence_of
from penchant.interests.fitted import Fitted
from penchant.interests.latent import LatentConfig, LatentModel
from penchant.interests.looks import Looks, Tally, looks, tally
from penchant.interests.shares import cells, fitted_prior, session_correlation
from penchant.interests.taxonomy import Taxonomy
from penchant.interests.turned import turned
from penchant.vectors import Floats, Rows

_QUARTERS: Final = 4
"""Parts of equal looks that a member's time is cut into, to see how steady an interest is."""
_TIERS: Final = tuple(Tier)


class StrataConfig(BaseModel):
    """The rules of the tiers. Shares are of a member's weighted looks, shrunk towards the community's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: EventWeights = EventWeights()
    """How much each kind of event says."""
    half_life: PositiveFloat = 180.0
    """Days after which a look counts half."""
    least_probability: float = Field(default=0.05, ge=0, lt=1)
    """An item that is about a label less likely than this counts as not about it."""
    core_share: float = Field(default=0.10, gt=0, lt=1)
    """A core interest has at least this share of the looks, and half of it at the interval's lower end."""
    core_steadiness: float = Field(default=0.5, ge=0, le=1)
    """A core interest shows in at least this part of the quarters of a member's looks."""
    regular_share: float = Field(default=0.05, gt=0, lt=1)
    """A regular interest has at least this share."""
    recent_days: PositiveFloat = 90.0
    """A change counts as long as it may have come within so many days."""
    change_share: float = Field(default=0.10, gt=0, lt=1)
    """An emerging interest has at least this share since it rose; a fading one had it until it fell."""
    change_growth: float = Field(default=1.5, ge=1)
    """An emerging interest has grown at least so many times, a fading one has shrunk so."""
    false_changes: float = Field(default=0.01, gt=0, lt=1)
    """Share of members of steady interests who may be told of an emerging one all the same, and so of a fading one."""
    confidence: float = Field(default=0.9, gt=0, lt=1)
    """Of the interval around each share."""
    least_evidence: PositiveFloat = 5.0
    """Independent looks below which nothing but latent interests is said."""
    session_correlation: float | None = Field(default=None, ge=0, le=1)
    """How alike the looks of one session are, beyond what the member's interests explain; fitted if not given."""
    prior_strength: PositiveFloat | None = None
    """Looks that the community's shares are worth against a member's own; fitted if not given."""
    evidence: int = Field(default=3, ge=1)
    """Looks named as evidence for each interest."""
    latent: LatentConfig = LatentConfig()
    """How interests that have hardly shown are predicted."""


class Stratifier:
    """Tells each member's interests from their looks and from what the items are about.

    A member's looks at a label are modelled as Dirichlet-multinomial around the community's shares: few looks are
    shrunk far, many hardly. Changes are found at their likeliest time and judged against shuffled sessions (see
    `changes`).

    >>> import polars as pl
    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame(
    ...         {"item_id": ["a", "b"], "title": ["Kettle", "Tent"], "categories": [["Home"], ["Outdoor"]]}
    ...     ),
    ...     events=pl.DataFrame({"member_id": ["m"] * 20, "item_id": ["a"] * 18 + ["b"] * 2, "kind": ["buy"] * 20,
    ...         "at": [datetime(2026, 1, day) for day in range(1, 21)]}),
    ... )
    >>> strata = Stratifier.of_categories(shop).stratify(shop)
    >>> [(interest.label, str(interest.tier)) for interest in strata["m"].core]
    [('Home', 'core')]
    """

    def __init__(
        self, taxonomy: Taxonomy, item_labels: sp.csr_matrix | Floats, config: StrataConfig | None = None
    ) -> None:
        self.taxonomy = taxonomy
        self.config = config or StrataConfig()
        about = sp.csr_matrix(item_labels, dtype=np.float32, copy=True)
        if about.shape[1] != len(taxonomy):
            raise InputError(f"item labels have {about.shape[1]} columns; the interest tree has {len(taxonomy)} labels")
        about.data[about.data < self.config.least_probability] = 0
        about.eliminate_zeros()
        self.item_labels = about
        self.fitted: Fitted | None = None

    @classmethod
    def of_categories(cls, community: Community, config: StrataConfig | None = None) -> "Stratifier":
        """Interests as the items' own categories tell them, with no language model.

        Raises:
            InputError: no item has a category.
        """
        paths = community.items["categories"].to_list()
        named = {path for row in paths if row for path in row}
        if not named:
            raise InputError("no item has a category; train a labeller, or give items the column categories")
        taxonomy = Taxonomy(named)
        return cls(taxonomy, sp.csr_matrix(taxonomy.targets([row or [] for row in paths]), dtype=np.float32), config)

    def fit(
        self, community: Community, *, sentiment: Floats | None = None, now: datetime | None = None
    ) -> "Stratifier":
        """Learn the community's shares, how far members stray from them, how sessions hang together, what chance does.

        Args:
            community: whose items the labels are of.
            sentiment: (events,) from -1 to 1; see `looks`.
            now: later events are left out; the time of the last event if absent.
        """
        rules, moment = self.config, _moment(community, now)
        seen = self._seen(community, None, sentiment, moment)
        correlation = rules.session_correlation
        leaves = self.taxonomy.leaf_rows
        if correlation is None:
            correlation = session_correlation(seen, self.item_labels, leaves)
        counted = self._tally(seen, len(community.member_ids), moment, correlation)
        prior = fitted_prior(counted, leaves, rules.prior_strength)
        told = np.flatnonzero(counted.size >= rules.least_evidence)
        gathered = sessions(seen, self.item_labels, correlation)
        rise, fall = thresholds(gathered, told, prior, self._change_rules(moment), rules.false_changes)
        latent = LatentModel.fit(self._lately(seen, counted, correlation), leaves, rules.latent)
        self.fitted = Fitted(prior, correlation, rise, fall, latent)
        return self

    def stratify(
        self,
        community: Community,
        members: Rows | None = None,
        *,
        sentiment: Floats | None = None,
        now: datetime | None = None,
        verdicts: Mapping[str, DriftVerdict] | None = None,
    ) -> Strata:
        """The tiers of some members (all if none are named); fits first where that has not been done.

        After new events, call it with the members concerned and hand the answer to `Strata.updated`. That is exact: a
        member's tiers depend on their own events, on the moment, and on what was fitted.

        Args:
            community: whose items the labels are of.
            members: rows of the members wanted.
            sentiment: (events,) from -1 to 1; see `looks`.
            now: the moment to judge at; later events are left out. The time of the last event if absent.
            verdicts: of change, by member id: what a member has turned to emerges, what they turned from fades.
        """
        fitted = self.fitted or self.fit(community, sentiment=sentiment, now=now).fitted
        assert fitted is not None
        count, moment = len(community.member_ids), _moment(community, now)
        rows = np.arange(count) if members is None else np.asarray(members, dtype=np.int64)
        seen = self._seen(community, members, sentiment, moment)
        counted = self._tally(seen, count, moment, fitted.session_correlation)
        gathered = sessions(seen, self.item_labels, fitted.session_correlation)
        changes = find_changes(gathered, fitted.prior, self._change_rules(moment))
        table = self._tiers(counted, changes, _steadiness(seen, self.item_labels, count), fitted)
        lately = self._lately(seen, counted, fitted.session_correlation)
        member, label, share = fitted.latent.predict(counted, lately, rows, table)
        tier = np.full(len(member), _TIERS.index(Tier.LATENT))
        latent = _frame(member, label, tier, share, np.zeros(len(share)), share)
        table = pl.concat([table, latent]).sort("member", "label")
        if verdicts:
            table = turned(table, self.taxonomy.labels, community.member_ids, verdicts)
        strength = seen.weight * Decay(half_life=self.config.half_life).factor((moment - seen.at) / DAY)
        evidence = evidence_of(table, seen, strength, self.item_labels, community, self.config.evidence)
        return Strata(
            community.member_ids,
            self.taxonomy.labels,
            table.with_columns(evidence).cast(dict(SCHEMA)),  # type: ignore[arg-type]
            counted.size,
            self.config.least_evidence,
            datetime.fromtimestamp(moment, UTC),
        )

    def _seen(self, community: Community, members: Rows | None, sentiment: Floats | None, moment: float) -> Looks:
        seen = looks(community, self.config.weights, members=members, sentiment=sentiment)
        return seen.chosen((seen.weight > 0) & (seen.at <= moment))

    def _tally(self, seen: Looks, count: int, moment: float, correlation: float) -> Tally:
        decay = Decay(half_life=self.config.half_life)
        return tally(seen, self.item_labels, count, now=moment, decay=decay, session_correlation=correlation)

    def _lately(self, seen: Looks, counted: Tally, correlation: float) -> Tally:
        """What members did of late, by their own measure: what comes next is likest that."""
        recency = self.config.latent.recency
        if recency is None or not len(seen):
            return counted
        count = len(counted.size)
        after = np.searchsorted(seen.member, seen.member, side="right") - np.arange(len(seen)) - 1
        length = np.bincount(seen.member, minlength=count)[seen.member]
        weight = (seen.weight * np.exp2(-after / length / recency)).astype(np.float32)
        fresh = replace(seen, weight=weight)
        return tally(fresh, self.item_labels, count, now=0.0, decay=Decay(), session_correlation=correlation)

    def _change_rules(self, moment: float) -> ChangeRules:
        rules = self.config
        return ChangeRules(
            since=moment - rules.recent_days * DAY,
            share=rules.change_share,
            growth=rules.change_growth,
            before=rules.core_share,
            evidence=rules.least_evidence,
        )

    def _tiers(self, counted: Tally, changes: Changes, steadiness: sp.csr_matrix, fitted: Fitted) -> pl.DataFrame:
        """Every member and label that falls in a tier by its own looks."""
        rules = self.config
        pairs = counted.counts.tocoo()
        told = counted.size[pairs.row] >= rules.least_evidence
        member, label = pairs.row[told].astype(np.int64), pairs.col[told].astype(np.int64)
        share, lower, upper = fitted.prior.posterior(counted, member, label, rules.confidence)
        steady = cells(steadiness, member, label) >= rules.core_steadiness
        rules_met = [
            cells(_marked(changes, changes.rise > fitted.rise, counted), member, label) > 0,
            cells(_marked(changes, changes.fall > fitted.fall, counted), member, label) > 0,
            (share >= rules.core_share) & (lower >= rules.core_share / 2) & steady,
            share >= rules.regular_share,
        ]
        order = (Tier.EMERGING, Tier.FADING, Tier.CORE, Tier.REGULAR)
        tier = np.select(rules_met, [_TIERS.index(kind) for kind in order], -1)
        return _frame(member, label, tier, share, lower, upper)


def _marked(changes: Changes, mask: NDArray[np.bool_], counted: Tally) -> sp.csr_matrix:
    """(members, labels) one where a change counts."""
    cells = (changes.member[mask], changes.label[mask])
    return sp.csr_matrix((np.ones(mask.sum(), dtype=np.float32), cells), shape=counted.counts.shape)


def _steadiness(seen: Looks, item_labels: sp.csr_matrix, count: int) -> sp.csr_matrix:
    """(members, labels) in what part of the quarters of a member's looks the label shows."""
    first = np.searchsorted(seen.member, np.arange(count + 1))
    place = np.arange(len(seen)) - first[seen.member]
    quarter = place * _QUARTERS // np.maximum(np.diff(first)[seen.member], 1)
    cells = sp.csr_matrix(
        (np.ones(len(seen), dtype=np.float32), (seen.member * _QUARTERS + quarter, seen.item)),
        shape=(count * _QUARTERS, item_labels.shape[0]),
    )
    drawn = sp.coo_matrix(cells @ item_labels)
    shows = drawn.data >= 0.5
    shown = sp.csr_matrix(
        (np.ones(shows.sum(), dtype=np.float32), (drawn.row[shows] // _QUARTERS, drawn.col[shows])),
        shape=(count, item_labels.shape[1]),
    )
    quarters = np.clip(np.diff(first), 1, _QUARTERS)
    return sp.csr_matrix(sp.diags_array(1 / quarters) @ shown)


def _frame(
    member: Rows, label: Rows, tier: NDArray[np.int64], share: NDArray, lower: NDArray, upper: NDArray
) -> pl.DataFrame:
    """Rows of a strata table without evidence; those in no tier (-1) are left out."""
    named = {number: kind.value for number, kind in enumerate(_TIERS)}
    columns = {"member": member, "label": label, "tier": tier, "share": share, "lower": lower, "upper": upper}
    return (
        pl.DataFrame(columns)
        .filter(pl.col("tier") >= 0)
        .with_columns(pl.col("tier").replace_strict(named, return_dtype=pl.String))
        .select(pl.col(name).cast(SCHEMA[name]) for name in columns)  # type: ignore[arg-type]
    )


def _moment(community: Community, now: datetime | None) -> float:
    """Seconds since 1970 of the moment to judge at."""
    last = now or community.now
    return seconds(last) if last else 0.0
