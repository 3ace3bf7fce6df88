"""What stands beside one item: what is similar to it, and what goes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.collaborative.itemtoitem import ItemToItem, liked_matrix
from penchant.collaborative.scorer import Scorer
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, Histories
from penchant.data.verdicts import Evidence, Pick, Ranking
from penchant.errors import ConfigError
from penchant.language import Lang
from penchant.recommend import strategies
from penchant.recommend.opinions import POPULARITY, TEXT
from penchant.recommend.reasons import Teller
from penchant.recommend.similarity import TextSimilarity
from penchant.vectors import Floats, top_k

TOGETHER: Final = "cooccurrence"
"""The source that tells what goes with an item."""
BY_MEMBERS: Final = ("neighbours", "cooccurrence", "ease")
"""The sources that tell which items share an item's members, the best first."""


@dataclass(frozen=True, eq=False)
class Beside:
    """Answers about an item, whoever asks: a tent is similar to another tent, and goes with a sleeping bag."""

    community: Community
    sources: Mapping[str, Scorer]
    closed: NDArray[np.bool_]
    """(items,) items that nobody is shown."""
    teller: Teller
    event_weights: EventWeights
    """How much an event of each kind says that a member likes an item."""

    def similar(self, item: int, k: int, lang: Lang) -> Ranking:
        """The items closest to an item row, by description where there is text, else by the members they share."""
        text = self.sources.get(TEXT)
        if isinstance(text, TextSimilarity):
            source, scores = TEXT, text.score_like(item)
            strategy, reason = strategies.BY_DESCRIPTION, strategies.LIKE_DESCRIPTION
        else:
            source, scores = self._by_members(item)
            strategy, reason = strategies.BY_MEMBERS, strategies.LIKE_MEMBERS
        sentence = reason(lang, titles=self.teller.quoted([item], lang))
        picks = tuple(self._pick(other, scores, sentence, item, source) for other in self._best(item, scores, k))
        return Ranking(picks, (strategy if picks else strategies.NO_NEIGHBOURS)(lang))

    def goes_with(self, item: int, k: int, lang: Lang) -> Ranking:
        """The items that the same members like close in time to an item row, with how many like both.

        Raises:
            ConfigError: the source that tells it is not there.
        """
        source = self.sources.get(TOGETHER)
        if not isinstance(source, ItemToItem):
            raise ConfigError(
                f"what goes with an item is told by the source {TOGETHER}, and this recommender has only "
                f"{', '.join(self.sources)}; train it with {TOGETHER} among its sources"
            )
        both = (self._likers @ self._likers[[item]].T).toarray()[:, 0]
        # Events may have gone since the fit, and with them all who liked both.
        scores = np.where(both > 0, source.score(Histories.of_items([[item]]))[0], 0)
        titles = self.teller.quoted([item], lang)
        sentence = strategies.LIKED_TOGETHER if both[item] > 1 else strategies.LIKED_BY_THE_ONE
        picks = tuple(
            self._pick(other, scores, sentence(lang, n=both[other], of=both[item], titles=titles), item, TOGETHER)
            for other in self._best(item, scores, k)
        )
        return Ranking(picks, (strategies.BY_TOGETHER if picks else strategies.NO_COMPANIONS)(lang))

    def _by_members(self, item: int) -> tuple[str, Floats]:
        """The source that tells which items share an item's members, and its score of each."""
        for name in BY_MEMBERS:
            source = self.sources.get(name)
            if isinstance(source, ItemToItem):
                return name, source.score(Histories.of_items([[item]]))[0]
        return POPULARITY, np.zeros(len(self.closed), dtype=np.float32)

    @cached_property
    def _likers(self) -> sp.csr_matrix:
        """(items, members) one where a member likes an item."""
        liked = liked_matrix(self.community, self.event_weights)
        liked.data = np.ones(len(liked.data), dtype=np.int64)
        return liked.T.tocsr()

    def _best(self, item: int, scores: Floats, k: int) -> list[int]:
        """The k items of largest scores above zero that may be shown, without the item itself."""
        left = np.where(self.closed | (scores <= 0), -np.inf, scores)
        left[item] = -np.inf
        picked = top_k(left[None], k, tie_rank=self.community.item_ids.id_rank)[0]
        found: list[int] = picked[picked >= 0].tolist()
        return found

    def _pick(self, other: int, scores: Floats, sentence: str, item: int, source: str) -> Pick:
        ids, titles = self.community.item_ids, self.community.titles
        evidence = (Evidence(share=1.0, item_id=ids.id(item), title=titles[item], source=source),)
        return Pick(ids.id(other), titles[other], float(scores[other]), sentence, evidence)
