"""A list for one person, each item with its reason in words."""

from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from penchant.data.verdicts import Pick, Ranking
from penchant.errors import ConfigError
from penchant.language import Lang
from penchant.social import strategies
from penchant.social.people import People
from penchant.social.reasons import reasons
from penchant.vectors import top_k

if TYPE_CHECKING:
    from penchant.social.model import SocialModel


def answered(
    model: "SocialModel", person: People, k: int, lang: Lang, exclude: Collection[str], member_id: str | None
) -> Ranking:  # fmt: skip
    """The k best items for one person.

    Args:
        model: whose scores they are.
        person: a batch of one.
        k: how many.
        lang: of reasons and strategy.
        exclude: ids of items not wanted.
        member_id: theirs, if they are a member.

    Raises:
        ConfigError: nothing is asked for.
        UnknownIdError: there is no such item among those to exclude.
    """
    if k < 1:
        raise ConfigError(f"k is {k}; ask for at least 1 item")
    ids, titles = model.community.item_ids, model.community.titles
    shut = model.shut(person)
    shut[0, [ids.row(item) for item in exclude]] = True
    found = model.scores(person, shut)
    order = np.where(shut, -np.inf, found)
    chosen = [int(item) for item in top_k(order, k, tie_rank=ids.id_rank)[0] if item >= 0]
    picks = []
    for item, why in zip(chosen, reasons(model, person, shut, chosen, found), strict=True):
        sentence, evidence = strategies.told(model, person, item, why, lang)
        picks.append(Pick(ids.id(item), titles[item], float(found[0, item]), sentence, evidence))
    return Ranking(tuple(picks), strategies.strategy(model, person, lang), member_id)
