"""A community's events as days of members: what the detectors of anomalies look at, one row a member and active day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.vectors import Rows

UNSEEN: Final = ("show",)
"""Kinds of event that tell of the shop and not of the member."""
OTHER: Final = "…"


@dataclass(frozen=True, eq=False)
class Days:
    """Members' active days, by member and then by time, and the events behind them."""

    community: Community
    events: pl.DataFrame
    """Columns `event` (its row in the community), `member`, `item`, `kind`, `at`, `amount`, `text`, `day` (from the
    first of the community), `hour`; by member and time."""
    table: pl.DataFrame
    """One row a member and active day: `member`, `day`, `first` and `count` (of its events)."""

    @classmethod
    def of(cls, community: Community, *, until: datetime | None = None) -> "Days":
        """Cut a community's events into days (UTC).

        Args:
            community: any; events that lie behind `until` are left out, since nobody has done what is yet to come.
            until: the present; the last event by default.
        """
        events = community.events.with_row_index("event").filter(~pl.col("kind").cast(pl.String).is_in(UNSEEN))
        if until is not None:
            events = events.filter(pl.col("at") <= until)
        start = events["at"].dt.truncate("1d").min() if len(events) else None
        day = ((pl.col("at") - pl.lit(start)).dt.total_days()).cast(pl.Int64) if len(events) else pl.lit(0, pl.Int64)
        events = events.with_columns(day.alias("day"), pl.col("at").dt.hour().cast(pl.Int64).alias("hour"))
        events = events.sort("member", "at", maintain_order=True)
        table = (
            events.with_row_index("place")
            .group_by("member", "day", maintain_order=True)
            .agg(pl.col("place").first().alias("first"), pl.len().alias("count"))
            .sort("member", "day")
        )
        return cls(community, events, table)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def member(self) -> Rows:
        """(rows,) whose day."""
        return self.table["member"].to_numpy().astype(np.int64)

    @cached_property
    def day(self) -> Rows:
        """(rows,) which day."""
        return self.table["day"].to_numpy().astype(np.int64)

    @cached_property
    def start(self) -> datetime:
        """The beginning of day 0."""
        first: datetime = self.events["at"].dt.truncate("1d").min()  # type: ignore[assignment]
        return first

    def date(self, day: int) -> datetime:
        """The beginning of a day."""
        return self.start + timedelta(days=int(day))

    @cached_property
    def _key(self) -> Rows:
        return self.member * self._span + self.day

    @cached_property
    def _span(self) -> int:
        return int(self.day.max(initial=0)) + 2

    def summed(self, rows: Rows, values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
        """(days,) values summed by member over so many days up to each.

        Args:
            rows: (values,) the day that each belongs to.
            values: any.
            window: in days, the present one included.
        """
        by_day = np.zeros(len(self))
        np.add.at(by_day, rows, values)
        total = np.concatenate([[0.0], np.cumsum(by_day)])
        begin = np.searchsorted(self._key, self._key - np.minimum(window - 1, self.day))
        return total[1:] - total[begin]

    def rows_of(self, member: Rows, day: Rows) -> Rows:
        """The row of each member and day, which must be active."""
        return np.searchsorted(self._key, member * self._span + day)

    def window(self, row: int, days: int) -> pl.DataFrame:
        """The events of a member in so many days up to a row's."""
        begin = int(np.searchsorted(self._key, self._key[row] - min(days - 1, int(self.day[row]))))
        first, last = self.table["first"][begin], self.table["first"][row] + self.table["count"][row]
        return self.events.slice(first, last - first)

    @cached_property
    def category(self) -> NDArray[np.int64]:
        """(events,) number of the first level of the item's first category; -1 where it has none."""
        paths = self.community.items["categories"].list.first().str.split(" > ").list.first()
        codes = paths.cast(pl.Categorical).to_physical().cast(pl.Int64).fill_null(-1)
        found = codes.gather(self.events["item"].cast(pl.Int64)).fill_null(-1)
        return found.to_numpy()

    @cached_property
    def value(self) -> NDArray[np.float64]:
        """(events,) what an event is worth: the amount of a purchase, else the item's price; NaN where nobody knows."""
        kinds = self.events["kind"].cast(pl.String)
        price = self.community.items["price"].gather(self.events["item"].cast(pl.Int64)).cast(pl.Float64)
        bought = kinds.is_in(["buy", "return"]) & self.events["amount"].is_not_null()
        worth = pl.select(pl.when(bought).then(self.events["amount"]).otherwise(price)).to_series()
        values = worth.fill_null(np.nan).to_numpy()
        return np.where(values > 0, values, np.nan)
