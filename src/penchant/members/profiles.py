"""Each member's behaviour as features with names a person understands, and a vector of what their items are about."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.columns import PATH_SEPARATOR, EventKind
from penchant.data.community import Community
from penchant.data.interactions import Decay, EventWeights, histories
from penchant.data.vocabulary import Vocabulary
from penchant.errors import InputError
from penchant.members.features import FEATURES, HOURS
from penchant.vectors import Floats, unit_rows

KIND: Final = "member-profiles"
_NEW_DAYS: Final = 90
_ABSURD: Final = 1e9
"""Amounts beyond this, either way, are mistakes of whoever wrote them: they count as events, not as money."""


class ProfileConfig(BaseModel):
    """How profiles are made.

    >>> ProfileConfig().categories
    20
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: NonNegativeInt = 20
    """First levels of categories that get a share of their own: the most common ones."""
    utc_offset_hours: float = Field(default=0.0, ge=-14, le=14)
    """The community's clock: added to UTC for times of day and days of the week."""
    offset_column: str | None = None
    """A column of members with their own hours to add to UTC, where they live in several time zones."""
    half_life_days: PositiveFloat = 90.0
    """An event so many days old counts half in the vector of texts."""
    weights: EventWeights = EventWeights()
    """How much an event of each kind says, in the vector of texts."""


@dataclass(frozen=True, eq=False)
class Profiles:
    """A row for each member, with the same features for all.

    >>> import polars as pl
    >>> items = pl.DataFrame({"item_id": ["p1"], "title": ["Kettle"], "price": [20.0]})
    >>> at = [datetime(2026, 3, 1), datetime(2026, 3, 11)]
    >>> events = pl.DataFrame({"member_id": "m1", "item_id": "p1", "kind": "buy", "at": at, "amount": [20.0, 20.0]})
    >>> made = profiles(Community.from_tables(items, events))
    >>> made["m1"]["spend"], made["m1"]["gap_days"], made["m1"]["repeats"]
    (40.0, 10.0, 0.5)
    """

    members: tuple[str, ...]
    names: tuple[str, ...]
    values: Floats
    """(members, features) float32; NaN where a member, or the community, has nothing to tell."""
    text: Floats | None
    """(members, width) rows of unit norm, or of zeros for members without events; None where no vectors were given."""
    at: datetime | None
    """The moment that ages count from; None where there are no events."""
    future: int = 0
    """Events later than that, which were left out."""

    def __len__(self) -> int:
        return len(self.members)

    def __getitem__(self, member_id: str) -> dict[str, float | None]:
        """One member's features by name; None where there is nothing to tell.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = Vocabulary(self.members, name="member").row(member_id)
        return {
            name: None if np.isnan(value) else round(float(value), 6)
            for name, value in zip(self.names, self.values[row], strict=True)
        }

    def column(self, name: str) -> Floats:
        """(members,) one feature.

        Raises:
            InputError: there is no such feature.
        """
        if name not in self.names:
            raise InputError(f"there is no feature {name!r}; there are {', '.join(self.names)}")
        return self.values[:, self.names.index(name)]

    def save(self, folder: Path | str) -> None:
        """Write the profiles to a folder."""
        arrays = {"values": self.values} | ({} if self.text is None else {"text": self.text})
        meta = {
            "members": list(self.members),
            "names": list(self.names),
            "at": self.at.isoformat() if self.at else None,
            "future": self.future,
        }
        save_artifact(Path(folder), KIND, arrays=arrays, meta=meta)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(Path(folder), KIND)
        meta = saved.meta
        at = datetime.fromisoformat(meta["at"]) if meta["at"] else None
        return cls(
            tuple(meta["members"]), tuple(meta["names"]), saved.arrays["values"], saved.arrays.get("text"), at,
            meta["future"],
        )  # fmt: skip


def profiles(
    community: Community,
    config: ProfileConfig | None = None,
    *,
    at: datetime | None = None,
    item_vectors: Floats | None = None,
    sentiment: Floats | None = None,
    categories: tuple[str, ...] | None = None,
) -> Profiles:
    """Every member's profile at a moment, from the events before it.

    Refunds larger than what was bought make money negative, and are kept so; amounts that no purse holds count as
    events without money. Members without events have counts of zero and NaN for the rest.

    Args:
        community: whose members.
        config: how.
        at: the moment; `present` if absent. Events later than that are left out and counted.
        item_vectors: (items, width) of the items' texts, for the members' own.
        sentiment: (events,) from -1 to 1 of what was written, NaN where nothing was.
        categories: the categories that get a share, so that a model sees the same features again; else the most common.

    Raises:
        InputError: vectors, sentiment or a column do not fit the community.
    """
    config = config or ProfileConfig()
    _check(community, config, item_vectors, sentiment)
    events = community.events
    if sentiment is not None:
        events = events.with_columns(pl.Series("sentiment", sentiment, dtype=pl.Float64).fill_nan(None))
    else:
        events = events.with_columns(pl.lit(None, dtype=pl.Float64).alias("sentiment"))
    moment = at or present(community)
    count = len(community.members)
    if moment is None:
        values = np.full((count, len(FEATURES)), np.nan, dtype=np.float32)
        text = None if item_vectors is None else np.zeros((count, item_vectors.shape[1]), dtype=np.float32)
        return Profiles(tuple(community.member_ids.ids), tuple(FEATURES), values, text, None)
    past = events.filter(pl.col("at") <= moment)
    with_items = _with_items(past, community, config, moment)
    chosen = categories if categories is not None else _categories(community, config)
    parts = [
        _activity(with_items, moment),
        _purchases(with_items, moment),
        _tastes(with_items),
        _kinds(with_items, sorted(community.events["kind"].unique().cast(pl.String))),
        _hours(with_items),
        _shares(past, community, chosen),
    ]
    table = pl.DataFrame({"member": pl.Series(range(count), dtype=pl.UInt32)})
    for part in parts:
        table = table.join(part, on="member", how="left", maintain_order="left")
    counted = ("events", "active_days", "events_30", "events_90", "orders", "ratings", "written", "searches", "items")
    table = table.with_columns(pl.col(counted).fill_null(0), pl.col("spend", "spend_90").fill_null(0.0))
    kinds = sorted(name for name in table.columns if name.startswith("kind:"))
    names = (*FEATURES, *kinds, *HOURS, *(f"share:{category}" for category in chosen))
    values = table.select(pl.col(names).cast(pl.Float32)).fill_null(float("nan")).to_numpy()
    return Profiles(
        tuple(community.member_ids.ids),
        names,
        np.ascontiguousarray(values, dtype=np.float32),
        None
        if item_vectors is None
        else text_vectors(community.with_events(_plain(past)), item_vectors, config, moment),
        moment,
        len(events) - len(past),
    )


def present(community: Community) -> datetime | None:
    """The moment of the last event that has come already; None without events.

    A date of the next century is a slip of whoever wrote it, and would make everybody look long gone. Where all events
    lie ahead, the last of them is taken.
    """
    at = community.events["at"]
    come = at.search_sorted(datetime.now(UTC), side="right")
    return None if not len(at) else at[come - 1 if come else -1]


def money() -> pl.Expr:
    """What an event moves from the member to the shop: below zero for returns, zero for amounts that no purse holds.

    A purchase of a negative amount is somebody's way of writing a refund.
    """
    amount = pl.when(pl.col("amount").is_finite() & (pl.col("amount").abs() <= _ABSURD)).then(pl.col("amount"))
    bought = pl.col("kind") == EventKind.BUY.value
    returned = pl.col("kind") == EventKind.RETURN.value
    return pl.when(bought).then(amount).when(returned).then(-amount.abs()).fill_null(0.0)


def text_vectors(community: Community, item_vectors: Floats, config: ProfileConfig, at: datetime) -> Floats:
    """(members, width) unit rows: the mean of what members' items are about, weighted by kind of event and age."""
    batch = histories(community, weights=config.weights)
    matrix = batch.matrix(len(item_vectors), now=at.timestamp(), decay=Decay(half_life=config.half_life_days))
    matrix.data = np.maximum(matrix.data, 0)
    return unit_rows(np.asarray(matrix @ item_vectors, dtype=np.float32))


def _plain(events: pl.DataFrame) -> pl.DataFrame:
    return events.drop("sentiment")


def _check(community: Community, config: ProfileConfig, item_vectors: Floats | None, sentiment: Floats | None) -> None:
    if item_vectors is not None and len(item_vectors) != len(community.items):
        raise InputError(f"there are {len(item_vectors)} vectors and {len(community.items)} items; give one for each")
    if sentiment is not None and len(sentiment) != len(community.events):
        raise InputError(f"there are {len(sentiment)} sentiments and {len(community.events)} events; give one for each")
    column = config.offset_column
    if column is not None and (
        column not in community.members.columns or not community.members[column].dtype.is_numeric()
    ):
        raise InputError(f"members have no column {column!r} of numbers with their hours from UTC")


def _with_items(past: pl.DataFrame, community: Community, config: ProfileConfig, moment: datetime) -> pl.DataFrame:
    """Events with what is known of their items, and the clock of whoever did them."""
    prices = community.items["price"]
    level = prices.rank("average") / max(int(prices.count()), 1)
    items = pl.DataFrame(
        {
            "item": pl.Series(range(len(community.items)), dtype=pl.UInt32),
            "level": level,
            "seller": community.items["seller"],
            "created_at": community.items["created_at"],
            "category": community.items["categories"].list.first().str.split(PATH_SEPARATOR).list.first(),
        }
    )
    offset: pl.Expr = pl.lit(config.utc_offset_hours)
    joined = past.join(items, on="item", how="left", maintain_order="left")
    if config.offset_column is not None:
        hours = community.members.select(
            pl.Series("member", range(len(community.members)), dtype=pl.UInt32),
            pl.col(config.offset_column).cast(pl.Float64).fill_null(config.utc_offset_hours).alias("offset"),
        )
        joined = joined.join(hours, on="member", how="left", maintain_order="left")
        offset = pl.col("offset")
    clock = pl.col("at") + pl.duration(microseconds=(offset * 3.6e9).cast(pl.Int64))
    return joined.with_columns(
        clock.dt.hour().alias("hour"),
        clock.dt.weekday().alias("weekday"),
        clock.dt.date().alias("day"),
        ((moment - pl.col("at")).dt.total_seconds() / 86_400).alias("age"),
        money().alias("money"),
        (pl.col("kind") == EventKind.BUY.value).alias("bought"),
        (pl.col("kind") == EventKind.RETURN.value).alias("returned"),
    )


def _activity(events: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    whole = events.group_by("member").agg(
        pl.len().alias("events"),
        pl.col("age").max().alias("tenure_days"),
        pl.col("age").min().alias("recency_days"),
        (pl.col("age") < 30).sum().alias("events_30"),
        (pl.col("age") < 90).sum().alias("events_90"),
        ((pl.col("age") >= 90) & (pl.col("age") < 180)).sum().alias("events_before"),
        *(
            pl.col("hour").is_between(first, first + 5).mean().alias(name)
            for first, name in ((0, "night"), (6, "morning"), (12, "afternoon"), (18, "evening"))
        ),
        (pl.col("weekday") >= 6).mean().alias("weekend"),
    )
    gaps = _gaps(events, "active_days", "gap_days", "gap_spread")
    return (
        whole.join(gaps, on="member", how="left")
        .with_columns(
            _change("events_90", "events_before").alias("trend"),
            (pl.col("recency_days") / (pl.col("gap_days") + 1)).alias("overdue"),
        )
        .drop("events_before")
    )


def _purchases(events: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    bought = events.filter("bought")
    orders = bought.group_by("member").agg(
        pl.col("age").min().alias("order_recency_days"), pl.len().alias("bought_items")
    )
    money = events.group_by("member").agg(
        pl.col("money").sum().alias("spend"),
        pl.col("money").filter(pl.col("age") < 90).sum().alias("spend_90"),
        pl.col("money").filter((pl.col("age") >= 90) & (pl.col("age") < 180)).sum().alias("spend_before"),
        pl.col("money").filter(pl.col("money") > 0).sum().alias("paid"),
        (-pl.col("money").filter(pl.col("money") < 0).sum()).alias("back"),
        pl.col("returned").sum().alias("returns"),
        pl.col("bought").sum().alias("buys"),
    )
    gaps = _gaps(bought, "orders", "order_gap_days", "order_gap_spread").drop("order_gap_spread")
    return (
        money.join(orders, on="member", how="left")
        .join(gaps, on="member", how="left")
        .select(
            "member",
            pl.col("orders").fill_null(0),
            "order_recency_days",
            "order_gap_days",
            (pl.col("order_recency_days") / (pl.col("order_gap_days") + 1)).alias("order_overdue"),
            "spend",
            "spend_90",
            _change("spend_90", "spend_before").alias("spend_trend"),
            (pl.col("paid") / pl.col("orders")).alias("spend_per_order"),
            (pl.col("bought_items") / pl.col("orders")).alias("items_per_order"),
            pl.when(pl.col("buys") > 0).then(pl.col("returns") / pl.col("buys")).alias("refunds"),
            pl.when(pl.col("paid") > 0).then(pl.col("back") / pl.col("paid")).alias("refunded"),
        )
    )


def _tastes(events: pl.DataFrame) -> pl.DataFrame:
    items = events.filter(pl.col("item").is_not_null())
    per_category = items.filter(pl.col("category").is_not_null()).group_by("member", "category").len()
    share = pl.col("len") / pl.col("len").sum()
    categories = per_category.group_by("member").agg(
        pl.len().alias("breadth"), (-(share * share.log()).sum()).exp().alias("variety")
    )
    has_seller, has_date = bool(items["seller"].count()), bool(items["created_at"].count())
    age = (pl.col("at") - pl.col("created_at")).dt.total_days()
    nothing = pl.lit(None, dtype=pl.Float64)
    written = pl.col("text").is_not_null() & (pl.col("kind") != EventKind.SEARCH.value)
    rated = pl.col("kind") == EventKind.RATE.value
    own = items.group_by("member").agg(
        pl.col("item").n_unique().alias("items"),
        (1 - pl.col("item").n_unique() / pl.len()).alias("repeats"),
        pl.col("level").mean().alias("price_level"),
        (pl.col("seller").n_unique() if has_seller else nothing.first()).alias("sellers"),
        ((age < _NEW_DAYS).mean() if has_date else nothing.first()).alias("newness"),
    )
    told = events.group_by("member").agg(
        pl.col("amount").filter(rated & pl.col("amount").is_finite()).mean().alias("rating"),
        rated.sum().alias("ratings"),
        written.sum().alias("written"),
        pl.col("sentiment").mean().alias("sentiment"),
        (pl.col("kind") == EventKind.SEARCH.value).sum().alias("searches"),
    )
    return told.join(own, on="member", how="left").join(categories, on="member", how="left")


def _kinds(events: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """The share of each kind of event that the community has, now or later: at all moments the same features."""
    return events.group_by("member").agg((pl.col("kind") == kind).mean().alias(f"kind:{kind}") for kind in kinds)


def _hours(events: pl.DataFrame) -> pl.DataFrame:
    """The share of each hour of the day in a member's visits; what is done within one hour of a day is one visit."""
    visits = events.select("member", "day", "hour").unique()
    return visits.group_by("member").agg((pl.col("hour") == hour).mean().alias(name) for hour, name in enumerate(HOURS))


def _categories(community: Community, config: ProfileConfig) -> tuple[str, ...]:
    counted = (
        community.events.drop_nulls("item")
        .join(_firsts(community), on="item")
        .group_by("category")
        .len()
        .sort(["len", "category"], descending=[True, False])
    )
    return tuple(counted["category"].head(config.categories))


def _firsts(community: Community) -> pl.DataFrame:
    return (
        community.items.select("categories")
        .with_columns(pl.Series("item", range(len(community.items)), dtype=pl.UInt32))
        .explode("categories")
        .drop_nulls()
        .select("item", pl.col("categories").str.split(PATH_SEPARATOR).list.first().alias("category"))
        .unique(maintain_order=True)
    )


def _shares(past: pl.DataFrame, community: Community, categories: tuple[str, ...]) -> pl.DataFrame:
    """The share of each member's events with items that is with items of each category."""
    total = past.drop_nulls("item").group_by("member").agg(pl.len().alias("total"))
    counted = past.drop_nulls("item").join(_firsts(community), on="item").group_by("member", "category").len()
    table = total
    for category in categories:
        own = counted.filter(pl.col("category") == category).select("member", pl.col("len").alias(f"share:{category}"))
        table = table.join(own, on="member", how="left")
    return table.with_columns(
        (pl.col(f"share:{category}").fill_null(0) / pl.col("total")).alias(f"share:{category}")
        for category in categories
    ).drop("total")


def _gaps(events: pl.DataFrame, days: str, gap: str, spread: str) -> pl.DataFrame:
    """How many different days, the usual days between neighbours, and how unsteady those are."""
    visits = events.select("member", "day").unique().sort("member", "day")
    between = pl.col("day").diff().dt.total_days().over("member")
    return (
        visits.with_columns(between.alias("between"))
        .group_by("member")
        .agg(
            pl.len().alias(days),
            pl.col("between").median().alias(gap),
            (pl.col("between").std() / pl.col("between").mean()).alias(spread),
        )
    )


def _change(now: str, before: str) -> pl.Expr:
    """From -1, all gone, to 1, all new; a small number on both sides says little and lies near 0."""
    total = pl.col(now).abs() + pl.col(before).abs()
    return pl.when(total > 0).then((pl.col(now) - pl.col(before)) / (total + 1e-9)).otherwise(None)
