"""Whom a classifier serves worse, and whom recommendations show something else: tables by group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.community import Community
from penchant.errors import InputError, TooLittleDataError
from penchant.members.attributes import FEWEST, Attribute
from penchant.vectors import Rows


@dataclass(frozen=True)
class GroupErrors:
    """One group's errors in one class."""

    group: str
    name: str
    """The class."""
    members: int
    """Of the group, with a known class."""
    predicted: float
    """Share of the group that is said to have the class."""
    false_positive_rate: float | None
    """Of those without it, the share said to have it; None where there are none."""
    false_negative_rate: float | None
    """Of those with it, the share said not to; None where there are none."""
    accuracy: float

    @property
    def rates(self) -> tuple[float | None, float | None]:
        """Of false positives and of false negatives."""
        return self.false_positive_rate, self.false_negative_rate


@dataclass(frozen=True)
class GroupExposure:
    """What one group is shown."""

    group: str
    members: int
    items: int
    """Different items among all their lists."""
    popularity: float
    """Mean rank of what they are shown by popularity, from 0 (the most popular item) to 1."""
    distance: float
    """Jensen–Shannon distance, from 0 to 1, of the categories shown to them from those shown to everybody else."""
    interest_distance: float
    """The same of what they do themselves: how much of the difference is theirs."""


def error_table(
    truth: Rows, predicted: Rows, classes: Sequence[str], group: Attribute, rows: Rows
) -> list[GroupErrors]:
    """Error rates by group and class; groups of fewer than five members are left out, as chance rules there.

    Args:
        truth: (rows,) true classes.
        predicted: (rows,) those said.
        classes: their names.
        group: who belongs to which group.
        rows: the member of each row.

    Raises:
        InputError: the lengths differ.

    >>> halves = Attribute("city", ("x", "y"), np.array([0] * 5 + [1] * 5))
    >>> found = error_table(np.zeros(10, int), np.array([0] * 5 + [1] * 5), ["a", "b"], halves, np.arange(10))
    >>> [(one.group, one.name, one.accuracy) for one in found if one.name == "a"]
    [('x', 'a', 1.0), ('y', 'a', 0.0)]
    """
    if not len(truth) == len(predicted) == len(rows):
        raise InputError(
            f"{len(truth)} true classes, {len(predicted)} predicted, {len(rows)} members; give one of each"
        )
    table = []
    codes = group.codes[rows]
    for number, name in enumerate(group.classes):
        mine = codes == number
        if mine.sum() < FEWEST:
            continue
        for code, one in enumerate(classes):
            has, said = truth[mine] == code, predicted[mine] == code
            table.append(
                GroupErrors(
                    group=name,
                    name=one,
                    members=int(mine.sum()),
                    predicted=float(said.mean()),
                    false_positive_rate=float(said[~has].mean()) if (~has).any() else None,
                    false_negative_rate=float((~said[has]).mean()) if has.any() else None,
                    accuracy=float((has == said).mean()),
                )
            )
    return table


def exposure_table(community: Community, lists: Mapping[str, Sequence[str]], group: Attribute) -> list[GroupExposure]:
    """What recommendations show to each group, beside what the group does of its own accord.

    A difference in what is shown that is larger than the difference in what they do is the recommender's doing.

    Args:
        community: the members and items.
        lists: item ids by member id, as recommended.
        group: who belongs to which group.

    Raises:
        TooLittleDataError: fewer than two groups have lists of five members.
    """
    tops, first = _categories(community)
    ranks = _popularity_ranks(community)
    shown: list[tuple[int, Rows]] = []
    for member_id, item_ids in lists.items():
        row = community.member_ids.row_or_none(member_id)
        if row is not None and group.codes[row] >= 0:
            known = [community.item_ids.row_or_none(item_id) for item_id in item_ids]
            rows = np.array([item for item in known if item is not None], dtype=np.int64)
            shown.append((int(group.codes[row]), rows))
    events = community.events.drop_nulls("item")
    doers, done = group.codes[events["member"].to_numpy()], events["item"].to_numpy().astype(np.int64)
    table = []
    for number, name in enumerate(group.classes):
        mine = [items for code, items in shown if code == number]
        others = [items for code, items in shown if code != number]
        if min(len(mine), len(others)) < FEWEST:
            continue
        items, rest = np.concatenate(mine), np.concatenate(others)
        table.append(
            GroupExposure(
                group=name,
                members=len(mine),
                items=len(np.unique(items)),
                popularity=float(ranks[items].mean()) if len(items) else 0.0,
                distance=_distance(first[items], first[rest], tops),
                interest_distance=_distance(
                    first[done[doers == number]], first[done[(doers >= 0) & (doers != number)]], tops
                ),
            )
        )
    if len(table) < 2:
        raise TooLittleDataError(f"fewer than two groups of {group.name!r} have lists of {FEWEST} members")
    return table


def _categories(community: Community) -> tuple[int, Rows]:
    """How many first levels of categories there are, and the number of each item's; -1 where it has none."""
    paths = community.items["categories"].list.first().str.split(PATH_SEPARATOR).list.first()
    names = {name: number for number, name in enumerate(paths.drop_nulls().unique().sort())}
    return len(names), np.array([names.get(name, -1) if name else -1 for name in paths.to_list()], dtype=np.int64)


def _popularity_ranks(community: Community) -> np.ndarray:
    counts = np.bincount(community.events["item"].drop_nulls().to_numpy(), minlength=len(community.items))
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts)) / max(1, len(counts) - 1)
    return rank


def _distance(one: Rows, other: Rows, count: int) -> float:
    from scipy.spatial.distance import jensenshannon

    first, second = (np.bincount(codes[codes >= 0], minlength=max(count, 1)) for codes in (one, other))
    if not first.sum() or not second.sum():
        return 0.0
    return float(jensenshannon(first, second, base=2))
