"""What members look at, period by period and subject by subject."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.data.interactions import EventWeights
from penchant.errors import InputError
from penchant.vectors import Rows

Shares = NDArray[np.float64]


def category_topics(community: Community) -> tuple[sp.csr_matrix, tuple[str, ...]]:
    """(items, topics) the first levels of the items' categories as subjects; one of several counts in part for each.

    Raises:
        InputError: no item has a category.
    """
    levels = (
        community.items.select("categories")
        .with_row_index("item")
        .explode("categories")
        .drop_nulls()
        .with_columns(pl.col("categories").str.split(PATH_SEPARATOR).list.first().alias("topic"))
        .unique(["item", "topic"])
    )
    if levels.is_empty():
        raise InputError("no item has a category; hand in what items are about, such as the labels of `pt.interests`")
    names = sorted(levels["topic"].unique())
    column = levels["topic"].replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()
    rows = levels["item"].to_numpy().astype(np.int64)
    matrix = sp.csr_matrix((np.ones(len(rows), np.float32), (rows, column)), (len(community.items), len(names)))
    return rows_to_one(matrix), tuple(names)


def placed(community: Community, days: int, weights: EventWeights) -> tuple[list[datetime], Rows, Rows, Rows]:
    """The periods' starts, and period, member and item of each event that says something good of an item."""
    events = community.events.filter(pl.col("item").is_not_null() & (weights.apply(community.events) > 0))
    if events.is_empty():
        nothing = np.zeros(0, np.int64)
        return [], nothing, nothing, nothing
    last = events["at"].max()
    first = events["at"].min()
    assert isinstance(last, datetime)
    assert isinstance(first, datetime)
    length = timedelta(days=days)
    # Counted from the last event backwards, so that the newest period is whole.
    count = (last - first) // length + 1
    starts = [last - length * (count - place) + timedelta(microseconds=1) for place in range(count)]
    age = (last - events["at"]).dt.total_microseconds().to_numpy() // int(length.total_seconds() * 1e6)
    period = count - 1 - age
    member, item = (events[name].to_numpy().astype(np.int64) for name in ("member", "item"))
    return starts, period.astype(np.int64), member, item


def shares_of(
    period: Rows, member: Rows, item: Rows, item_topics: sp.csr_matrix, periods: int
) -> tuple[Shares, Shares, Rows]:
    """(periods, topics) mean share over active members, its squared standard error, and how many were active."""
    topics = item_topics.shape[1]
    pairs, place = np.unique(np.stack([period, member]), axis=1, return_inverse=True)
    who = sp.csr_matrix(
        (np.ones(len(item), np.float32), (place.ravel(), item)), shape=(pairs.shape[1], item_topics.shape[0])
    )
    own = rows_to_one(sp.csr_matrix(who @ item_topics))
    told = np.asarray(own.sum(axis=1)).ravel() > 0
    gather = sp.csr_matrix(
        (np.ones(int(told.sum()), np.float32), (pairs[0][told], np.flatnonzero(told))), shape=(periods, len(told))
    )
    active = np.bincount(pairs[0][told], minlength=periods)
    divisor = np.maximum(active, 1)[:, None]
    mean = np.asarray((gather @ own).todense(), dtype=np.float64).reshape(periods, topics) / divisor
    square = np.asarray((gather @ own.multiply(own)).todense(), dtype=np.float64).reshape(periods, topics) / divisor
    return mean, np.maximum(square - mean**2, 1e-9) / divisor, active.astype(np.int64)


def rows_to_one(matrix: sp.csr_matrix) -> sp.csr_matrix:
    """The rows divided by their sums; empty ones stay empty."""
    total = np.asarray(matrix.sum(axis=1)).ravel()
    return sp.csr_matrix(sp.diags_array(1 / np.where(total > 0, total, 1)) @ matrix, dtype=np.float32)
