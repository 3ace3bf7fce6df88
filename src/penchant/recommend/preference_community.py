"""A community's likes and dislikes as prompts: a preference model of all members, and what one of them would like."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from penchant.data.community import Community
from penchant.errors import TooLittleDataError
from penchant.recommend.preference import Preference, PreferenceConfig
from penchant.recommend.preference_examples import Judged, Prompt, opinions_in
from penchant.text.encoder import Encoder
from penchant.text.finetune import CausalModel
from penchant.text.transformer import TransformerEncoder
from penchant.training.options import Options

MEMBERS_LEARNED: Final = 5_000
"""Members that are learned from, at most: a random sample where there are more."""


def train(
    community: Community,
    config: PreferenceConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    tuned_from: TransformerEncoder | None = None,
    causal: CausalModel | None = None,
) -> Preference:
    """A preference model from a community's likes and dislikes.

    Each member who has both is one prompt: their last title is asked about, the others are the history. The titles'
    worths and the members' ways are learned from all of them.

    Raises:
        TooLittleDataError: nobody likes some items and dislikes others.
    """
    options = options or Options()
    said = opinions_in(community)
    if not said:
        raise TooLittleDataError(
            "no member likes some items and dislikes others: ratings of both kinds, hides or returns are needed"
        )
    members = sorted(said)
    if len(members) > MEMBERS_LEARNED:
        members = sorted(options.rng().choice(members, MEMBERS_LEARNED, replace=False).tolist())
    rows = []
    for member in members:
        *history, (last, liked) = said[member].items()
        rows.append(Judged(Prompt(tuple(history), last), liked))
    model = Preference(config, encoder=encoder, tuned_from=tuned_from, causal=causal)
    return model.fit(rows, options)


@dataclass(frozen=True)
class Preferred:
    """Items in the order in which a member is likely to like them, and what that rests on."""

    items: tuple[tuple[int, float], ...]
    """Item rows with their probabilities."""
    liked: int
    """Titles of the member's that count as liked."""
    disliked: int
    members: int
    """Members whose opinions were learned from."""


def prefer(
    community: Community, member: int, items: Sequence[int], options: Options, *, encoder: Encoder | None = None
) -> Preferred:
    """How likely a member of a community likes some items, the likeliest first.

    What the member said of an item is no part of the history that it is judged by, though it is among the opinions of
    the item that were learned from.

    Raises:
        TooLittleDataError: nobody likes some items and dislikes others.
    """
    model = train(community, None, options, encoder=encoder)
    own = opinions_in(community, members=[member], both=False).get(member, {})
    found = []
    for item in items:
        title = community.titles[item]
        found.append((item, model.score([entry for entry in own.items() if entry[0] != title], title)))
    found.sort(key=lambda entry: -entry[1])
    likes = sum(own.values())
    return Preferred(tuple(found), likes, len(own) - likes, model.members)
