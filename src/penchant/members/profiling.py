"""Each member's behaviour as features with names a person understands, and a vector of what their items are about."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveFloat

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import FELT, EventWeights
from penchant.data.strata import Strata
from penchant.errors import InputError
from penchant.members.doings import activity, age, dates, hours, kinds, purchases
from penchant.members.features import BASIC, FEATURES, FEELINGS, HOURS, SELLER, SHARE, TIERS
from penchant.members.leanings import (
    Writings,
    common_categories,
    common_sellers,
    item_facts,
    item_shares,
    opinions,
    tastes,
    text_vectors,
    tiers,
)
from penchant.members.moments import money, present
from penchant.members.profiles import NEVER, Profiles
from penchant.vectors import Floats

_COUNTED: Final = (
    "events", "active_days", "events_30", "events_90", "orders", "ratings", "written", "searches", "items",
)  # fmt: skip


class ProfileConfig(BaseModel):
    """How profiles are made.

    >>> ProfileConfig().categories
    20
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: NonNegativeInt = 20
    """First levels of categories that get a share of their own: the most common ones."""
    sellers: NonNegativeInt = 10
    """Sellers, or brands, that get a share of their own: the most common ones."""
    utc_offset_hours: float = Field(default=0.0, ge=-14, le=14)
    """The community's clock: added to UTC for times of day and days of the week."""
    offset_column: str | None = None
    """A column of members with their own hours to add to UTC, where they live in several time zones."""
    half_life_days: PositiveFloat = 90.0
    """An event so many days old counts half in the vector of texts."""
    weights: EventWeights = EventWeights()
    """How much an event of each kind says, in the vector of texts."""
    written: NonNegativeFloat = 1.0
    """How much a text that a member wrote or searched for says there, beside an event of weight one."""
    negative_below: float = Field(default=-0.2, ge=-1, le=1)
    """A feeling from -1 to 1 below which what was written is blame."""


def profiles(
    community: Community,
    config: ProfileConfig | None = None,
    *,
    at: datetime | None = None,
    item_vectors: Floats | None = None,
    writings: Writings | None = None,
    strata: Strata | None = None,
    names: Sequence[str] | None = None,
    shares: Sequence[str] | None = None,
) -> Profiles:
    """Every member's profile at a moment, from the events before it.

    Refunds larger than what was bought make money negative, and are kept so; amounts that no purse holds count as
    events without money. Members without events have counts of zero and NaN for the rest. Where events say how their
    members felt (`penchant.data.interactions.with_felt`), profiles tell of it.

    Args:
        community: whose members.
        config: how.
        at: the moment; `present` if absent. Events later than that are left out and counted.
        item_vectors: (items, width) of the items' texts, for the members' own.
        writings: what members wrote, with vectors, which count for the members' own as well.
        strata: the same members' interests in tiers.
        names: the features wanted, as those of profiles made before, so that a model sees the same again.
        shares: the features that are shares of categories and of sellers; else those of the most common.

    Raises:
        InputError: vectors, strata or a column do not fit the community.
    """
    config = config or ProfileConfig()
    _check(community, config, item_vectors, strata)
    moment = at or present(community)
    ids, count = tuple(community.member_ids.ids), len(community.members)
    if moment is None:
        wanted = tuple(names or BASIC)
        values = np.full((count, len(wanted)), np.nan, dtype=np.float32)
        text = None if item_vectors is None else np.zeros((count, item_vectors.shape[1]), dtype=np.float32)
        return Profiles(ids, wanted, values, text, None)
    past = community.events.filter(pl.col("at") <= moment)
    if names is not None:
        wanted = tuple(names)
    else:
        chosen = tuple(shares) if shares is not None else _common_shares(community, config)
        wanted = feature_names(community, chosen, tiered=strata is not None)
    table = described(community, past, config, moment, wanted)
    if strata is not None:
        told = tiers(strata)
        table = table.with_columns(pl.Series(name, told[:, place]) for place, name in enumerate(TIERS))
    return Profiles(
        ids,
        wanted,
        _values(table, wanted),
        None
        if item_vectors is None
        else text_vectors(
            community.with_events(past),
            item_vectors,
            config.weights,
            config.half_life_days,
            moment,
            writings=writings,
            written=config.written,
        ),
        moment,
        len(community.events) - len(past),
        table.select("first", "last", "last_order").cast(pl.Int64).fill_null(NEVER).to_numpy(),
        basis(community, config),
        clocks(community, config),
    )


def _common_shares(community: Community, config: ProfileConfig) -> tuple[str, ...]:
    return (
        *(f"{SHARE}{category}" for category in common_categories(community, config.categories)),
        *(f"{SELLER}{seller}" for seller in common_sellers(community, config.sellers)),
    )


def feature_names(community: Community, shares: Sequence[str], *, tiered: bool) -> tuple[str, ...]:
    """The features of a community's profiles, at all moments the same."""
    left_out = (*(() if FELT in community.events.columns else FEELINGS), *(() if tiered else TIERS))
    present_kinds = sorted(community.events["kind"].unique().cast(pl.String))
    return (
        *(name for name in FEATURES if name not in left_out),
        *(f"kind:{kind}" for kind in present_kinds),
        *HOURS,
        *shares,
    )


def basis(community: Community, config: ProfileConfig) -> str:
    """What all rows of profiles rest on besides events: they hold from one moment to the next while it is the same."""
    return f"{community.fingerprint('items')[:16]} {config.model_dump_json(by_alias=True)}"


def clocks(community: Community, config: ProfileConfig) -> NDArray[np.float64] | None:
    """(members,) hours from UTC of each member's clock; None where all share the community's.

    Raises:
        InputError: there is no such column of numbers.
    """
    column = config.offset_column
    if column is None:
        return None
    if column not in community.members.columns or not community.members[column].dtype.is_numeric():
        raise InputError(f"members have no column {column!r} of numbers with their hours from UTC")
    own = community.members[column].cast(pl.Float64).fill_null(config.utc_offset_hours)
    return own.to_numpy()


def described(
    community: Community, past: pl.DataFrame, config: ProfileConfig, moment: datetime, names: Sequence[str]
) -> pl.DataFrame:
    """A row for each member of a community: the features that some events tell, null where they tell nothing.

    A member's row rests on their own events alone, so that some members' events give those members' rows.
    """
    events = _ready(past, community, config, moment)
    wanted_kinds = [name.partition(":")[2] for name in names if name.startswith("kind:")]
    wanted_shares = [name for name in names if name.startswith((SHARE, SELLER))]
    parts = [
        activity(events),
        purchases(events),
        opinions(events, config.negative_below),
        tastes(events, community),
        kinds(events, wanted_kinds),
        hours(events),
        item_shares(past, community, wanted_shares),
        dates(events),
    ]
    table = pl.DataFrame({"member": pl.Series(range(len(community.members)), dtype=pl.UInt32)})
    for part in parts:
        table = table.join(part, on="member", how="left", maintain_order="left")
    return table.with_columns(pl.col(_COUNTED).fill_null(0), pl.col("spend", "spend_90").fill_null(0.0))


def _values(table: pl.DataFrame, names: Sequence[str]) -> Floats:
    nothing = pl.lit(None, dtype=pl.Float32)
    columns = [(pl.col(name) if name in table.columns else nothing).cast(pl.Float32).alias(name) for name in names]
    return np.ascontiguousarray(table.select(columns).fill_null(float("nan")).to_numpy(), dtype=np.float32)


def _check(community: Community, config: ProfileConfig, item_vectors: Floats | None, strata: Strata | None) -> None:
    if item_vectors is not None and len(item_vectors) != len(community.items):
        raise InputError(f"there are {len(item_vectors)} vectors and {len(community.items)} items; give one for each")
    if strata is not None and not strata.member_ids.ids.equals(community.member_ids.ids):
        raise InputError(
            f"the strata are of {len(strata.member_ids)} members, and the community has {len(community.members)} that "
            "are not the same in the same order; give the strata learned from it"
        )
    clocks(community, config)


def _ready(past: pl.DataFrame, community: Community, config: ProfileConfig, moment: datetime) -> pl.DataFrame:
    """Events with what is known of their items, their age, their money, and the clock of whoever did them."""
    offset: pl.Expr = pl.lit(config.utc_offset_hours)
    joined = past.join(item_facts(community), on="item", how="left", maintain_order="left")
    if (own := clocks(community, config)) is not None:
        own_hours = pl.DataFrame(
            {
                "member": pl.Series(range(len(community.members)), dtype=pl.UInt32),
                "offset": pl.Series(own, dtype=pl.Float64),
            }
        )
        joined = joined.join(own_hours, on="member", how="left", maintain_order="left")
        offset = pl.col("offset")
    clock = pl.col("at") + pl.duration(microseconds=(offset * 3.6e9).cast(pl.Int64))
    return joined.with_columns(
        clock.dt.hour().alias("hour"),
        clock.dt.weekday().alias("weekday"),
        clock.dt.date().alias("day"),
        age(pl.col("at"), moment).alias("age"),
        money().alias("money"),
        (pl.col("kind") == EventKind.BUY.value).alias("bought"),
        (pl.col("kind") == EventKind.RETURN.value).alias("returned"),
    )
