"""Why an item was picked: what is missed when it is taken away, in earnest, from a person's events, ties and words."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from penchant.social.linear import TaggedEase
from penchant.social.people import People, without_cells
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from penchant.social.model import SocialModel

EVENTS_TRIED: Final = 24
FRIENDS_TRIED: Final = 12
TAGS_TRIED: Final = 5
"""What is taken away in turn for one list, the likeliest first."""
SURE: Final = 0.005
"""By how much, in spreads of a person's scores, a score must fall for what was taken away to be a reason."""

Kind = Literal["event", "friend", "tag", "words"]


@dataclass(frozen=True)
class Reason:
    """One thing that a score would be lower without."""

    kind: Kind
    row: int
    """Of the item that was liked, the member, or the tag; 0 for words."""
    lowers: float
    """By how much the score falls, in spreads, when this alone is taken away."""
    share: float
    """Of all that single events, friends and words carry; a tag's is that of its events together, so it stands beside
    theirs and is not added to them."""


def reasons(
    model: "SocialModel", person: People, shut: NDArray[np.bool_], items: Sequence[int], scores: Floats | None = None
) -> list[list[Reason]]:
    """For each item, what carries its score for one person, largest first; only what lowers it when taken away.

    Own events are taken away one by one, friends one by one, what the person wrote as a whole, and for a tag all own
    events with items that have it, where the item picked has it too. Friends whose activity is private are never among
    the reasons, because a person's ties here are only those along which activity may be shown.

    Args:
        model: whose scores they are.
        person: a batch of one.
        shut: (1, items) as it was when the item was scored.
        items: rows.
        scores: (1, items) where they are at hand.
    """
    if not len(items):
        return []
    base = model.scores(person, shut) if scores is None else scores
    events = _events_tried(model, person, items)
    friends = _friends_tried(model, person, items)
    tags = _tags_tried(model, person, items)
    spoken = bool(person.said.any())
    taken: list[tuple[Kind, int, Rows]] = [
        *(("event", int(item), np.array([item])) for item in events),
        *(("tag", tag, own) for tag, own in tags),
        *(("friend", int(friend), np.array([friend])) for friend in friends),
    ]
    if spoken:
        taken.append(("words", 0, np.empty(0, dtype=np.int64)))
    if not taken:
        return [[] for _ in items]
    nothing = np.empty(0, dtype=np.int64)
    without = replace(
        person.repeated(len(taken)),
        events=without_cells(person.events, [rows if kind in ("event", "tag") else nothing for kind, _, rows in taken]),
        ties=without_cells(person.ties, [rows if kind == "friend" else nothing for kind, _, rows in taken]),
        said=np.stack([np.zeros_like(person.said[0]) if kind == "words" else person.said[0] for kind, *_ in taken]),
    )
    left = model.scores(without, np.repeat(shut, len(taken), axis=0))[:, list(items)]
    lowered = base[0, list(items)][None] - left
    found = []
    for column, item in enumerate(items):
        alone = [place for place, (kind, *_) in enumerate(taken) if kind != "tag"]
        total = float(np.maximum(lowered[alone, column], 0).sum()) if alone else 0.0
        why = []
        for place, (kind, row, _) in enumerate(taken):
            fall = float(lowered[place, column])
            if fall <= SURE or total <= 0 or (kind == "tag" and not model.graph.tags[item, row]):
                continue
            why.append(Reason(kind, row, fall, min(1.0, fall / total)))
        found.append(sorted(why, key=lambda one: -one.lowers))
    return found


def _events_tried(model: "SocialModel", person: People, items: Sequence[int]) -> Rows:
    """The own items that speak loudest for the picks, as EASE hears them; all where they are few."""
    own: Rows = person.events.indices.astype(np.int64)
    ease = model.sources.get(TaggedEase.name)
    if len(own) <= EVENTS_TRIED or not isinstance(ease, TaggedEase):
        return own[np.argsort(-person.events.data, kind="stable")][:EVENTS_TRIED]
    place = np.full(ease.item_count, -1, dtype=np.int64)
    place[ease.columns] = np.arange(len(ease.columns))
    known = place[list(items)]
    known = known[known >= 0]
    speaks = np.zeros(len(own))
    inside = place[own] >= 0
    if len(known):
        speaks[inside] = np.maximum(ease.weights[np.ix_(place[own[inside]], known)], 0).sum(axis=1)
    return own[np.argsort(-speaks * person.events.data, kind="stable")][:EVENTS_TRIED]


def _friends_tried(model: "SocialModel", person: People, items: Sequence[int]) -> Rows:
    """Friends who like the picks first, then by the weight of the tie; one who likes nothing is no reason."""
    active = np.diff(model.graph.events.indptr)[person.ties.indices] > 0
    friends: Rows = person.ties.indices[active].astype(np.int64)
    likes = np.asarray((model.graph.events[friends][:, list(items)] > 0).sum(axis=1)).ravel()
    return friends[np.lexsort((-person.ties.data[active], -likes))][:FRIENDS_TRIED]


def _tags_tried(model: "SocialModel", person: People, items: Sequence[int]) -> list[tuple[int, Rows]]:
    """Tags that picks and own items share, those of most own items first, and the own items that have each."""
    tags = model.graph.tags
    own: Rows = person.events.indices.astype(np.int64)
    if not tags.nnz or not len(own):
        return []
    here = tags[own].tocsc()
    picked = np.bincount(tags[list(items)].indices, minlength=tags.shape[1])
    counts = np.diff(here.indptr)
    # One own item is told as itself; a tag of all of them tells nothing apart.
    rows = np.flatnonzero((picked > 0) & (counts > 1) & (counts < max(len(own), 3)))
    rows = rows[np.lexsort((rows, -picked[rows] * np.sqrt(counts[rows])))][:TAGS_TRIED]
    return [(int(tag), own[here.indices[here.indptr[tag] : here.indptr[tag + 1]]]) for tag in rows]
