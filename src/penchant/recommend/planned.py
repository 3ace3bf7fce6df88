"""A recommendation that rests on more or less of the past, as a plan says that something else has chosen."""

from dataclasses import replace
from typing import Final

import numpy as np

from penchant.data.attention import Attention
from penchant.language import Lang, Phrase
from penchant.recommend.person import Person

PLANNED: Final = Phrase("{rest}; {plan}", "{rest}；{plan}")


def attended(person: Person, attention: Attention | None) -> Person:
    """The same person, whose events count as far as a plan says.

    What they have seen stays seen and what they hid stays hidden: only events that speak for an item count less.

    Args:
        person: with all of their events.
        attention: what counts how much; all of it, as ever, if absent.
    """
    if attention is None:
        return person
    weights = person.history.weights.copy()
    liked = np.flatnonzero(weights > 0)
    weights[liked] *= attention.shares(len(liked))
    return replace(person, history=person.history.weighing(weights))


def named(strategy: str, person: Person, attention: Attention | None, lang: Lang) -> str:
    """The strategy with the plan that it followed, where there was a past to follow it on."""
    if attention is None or not (person.history.weights > 0).any():
        return strategy
    return PLANNED(lang, rest=strategy, plan=attention.told(lang))
