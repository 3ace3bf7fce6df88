"""Whose data may be used: members who refused, or did not agree, stay members, and nothing is learned from them."""

from typing import Any, Literal

import polars as pl

from penchant.data.community import Community
from penchant.data.store import Store

Consent = Literal["unless_refused", "when_given"]
"""Whether data may be used of members who were not asked: `unless_refused`: yes; `when_given`: no."""


def agreed(consent: pl.Series, rule: Consent = "unless_refused") -> pl.Series:
    """Whether each member's data may be used, from their flag: true, false, or missing where nobody asked.

    >>> agreed(pl.Series([True, False, None])).to_list(), agreed(pl.Series([None], dtype=pl.Boolean), "when_given")[0]
    ([True, False, True], False)
    """
    return consent.fill_null(rule == "unless_refused")


def consenting(community: Community, rule: Consent = "unless_refused") -> Community:
    """The community without the events and ties of members whose data may not be used; rows keep their numbers.

    Their attributes are emptied too, so that no model learns from them. What they bought still lies in the store, where
    the law may want it kept.
    """
    may = agreed(community.members["consent"], rule)
    if may.all():
        return community
    rows = pl.Series((~may).arg_true(), dtype=pl.UInt32).implode()
    own = [name for name in community.members.columns if name not in ("member_id", "consent", "private")]
    other = Community(
        community.members.with_columns(pl.when(may).then(pl.col(name)).otherwise(None).alias(name) for name in own),
        community.items,
        community.events.filter(~pl.col("member").is_in(rows)),
        community.ties.filter(~pl.col("member").is_in(rows) & ~pl.col("other").is_in(rows)),
        community.labels,
    )
    for name in ("member_ids", "item_ids", "titles", "item_texts"):
        if name in community.__dict__:
            other.__dict__[name] = community.__dict__[name]
    return other


def usable_history(store: Store, member_id: str, rule: Consent = "unless_refused", **wanted: Any) -> pl.DataFrame:
    """`Store.history`, and no events at all where the member's data may not be used: answers then know nobody.

    Raises:
        UnknownIdError: where there is no such member.
    """
    flag = pl.Series([store.member(member_id)["consent"]], dtype=pl.Boolean)
    history = store.history(member_id, **wanted)
    return history if agreed(flag, rule)[0] else history.clear()
