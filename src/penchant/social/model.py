"""The social model: sources that answer from events, ties and words, their blend, and a ranker over it."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.social import SocialVectors
from penchant.data.verdicts import Ranking
from penchant.errors import NotFittedError
from penchant.language import Lang
from penchant.social.answering import answered
from penchant.social.circle import Popularity
from penchant.social.config import SocialConfig
from penchant.social.features import Facts, table
from penchant.social.graph import Graph
from penchant.social.heldout import CELLS_AT_ONCE
from penchant.social.linear import TaggedAls
from penchant.social.moving import moved
from penchant.social.opinions import Candidates, Source, blended, opinions
from penchant.social.people import People
from penchant.social.propagated import Propagated
from penchant.social.ranker import Ranker
from penchant.social.reasons import Reason, reasons
from penchant.social.sources import NETWORK
from penchant.social.statistics import GraphStatistics
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, chunks, top_k

LEAST: Final = 0.01
"""Popularity's least weight, so that somebody of whom nothing is known is answered too."""


class SocialModel:
    """Ranks items for members and for strangers, by what they did, whom they are tied to and what they wrote.

    Nothing of a member is kept but what the network learned of their id: an answer is made from the graph as it is when
    the question is asked. `on` takes a community that has new events, ties, members or items.
    """

    def __init__(
        self,
        community: Community,
        graph: Graph,
        texts: TextVectors,
        sources: Mapping[str, Source],
        weights: Mapping[str, float],
        config: SocialConfig,
        statistics: GraphStatistics,
        *,
        ranker: Ranker | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self.community = community
        self.graph = graph
        self.texts = texts
        self.sources = dict(sources)
        self.weights = dict(weights)
        self.config = config
        self.statistics = statistics
        self.ranker = ranker
        self.encoder = encoder

    # -- vectors --

    @property
    def network(self) -> Propagated:
        """What the graph network learned.

        Raises:
            NotFittedError: the model was trained without it.
        """
        found = self.sources.get(NETWORK)
        if not isinstance(found, Propagated):
            raise NotFittedError("this model was trained without a network; train it with use_network=True")
        return found

    @cached_property
    def member_vectors(self) -> Floats:
        """(members, width) the network's vectors of all members; those of ALS where there is no network."""
        everyone = self.people(np.arange(self.graph.member_count))
        size = max(1, CELLS_AT_ONCE // 1_000)
        return np.concatenate([self._maker.vectors(everyone.part(part)) for part in chunks(len(everyone), size)])

    @property
    def item_vectors(self) -> Floats:
        """(items, width) whose products with a member's vector are that source's scores."""
        maker = self._maker
        return maker.item_vectors if isinstance(maker, Propagated) else maker.item_factors

    @property
    def _maker(self) -> Propagated | TaggedAls:
        found = self.sources.get(NETWORK, self.sources.get(TaggedAls.name))
        assert isinstance(found, Propagated | TaggedAls)
        return found

    def verdicts(self) -> SocialVectors:
        """What other systems take: the vectors, and what each member's friends have lately liked."""
        return SocialVectors.of(
            self.community.member_ids.ids, self.community.item_ids.ids, self.member_vectors, self.item_vectors,
            self.graph.events, self.graph.shown_ties,
        )  # fmt: skip

    # -- people --

    def people(self, rows: Rows) -> People:
        """Members of the community, by their rows."""
        return People.members(self.graph, rows, self.texts.said)

    def stranger(
        self, *, items: Sequence[str] = (), friends: Sequence[str] = (), text: str | None = None
    ) -> People:  # fmt: skip
        """Somebody who is no member: by items they like, members they are tied to, what they wrote, or nothing.

        Raises:
            UnknownIdError: an item or a member is not in the community.
            NotFittedError: a text was given and there is no encoder to read it.
        """
        rows = np.array([self.community.item_ids.row(item) for item in items], dtype=np.int64)
        tied = np.array([self.community.member_ids.row(friend) for friend in friends], dtype=np.int64)
        weights = np.full(len(rows), self.config.graph.event_weights.like, dtype=np.float32)
        return People.stranger(self.graph, items=rows, weights=weights, friends=tied, said=self._read(text))

    def _read(self, text: str | None) -> Floats:
        if not text:
            return np.zeros(self.texts.width, dtype=np.float32)
        if self.encoder is None or not self.texts.width:
            raise NotFittedError("this model cannot read a text: train it with an encoder, and load it with the same")
        return self.texts.of_words(self.encoder, [text])

    # -- scores --

    def scores(self, people: People, shut: NDArray[np.bool_]) -> Floats:
        """(people, items) the blend, as the ranker corrects it for the candidates.

        Args:
            people: who asks.
            shut: (people, items) True where one may not be shown an item.
        """
        found = opinions(self.sources, people)
        for name, said in found.items():
            if name != Popularity.name:
                # Whatever a network thinks of somebody of whom nothing is known, it is not about them.
                said[~people.known] = 0
        total = blended(found, self.weights)
        if self.ranker is None:
            return total
        candidates = Candidates.of(found, shut, self.config.blend.depth)
        owners = candidates.owners
        added = self.ranker.correct(table(candidates, self.weights, people, self._facts))
        # Items below the candidates are taken for the worst of them.
        least = np.zeros(len(people), dtype=np.float32)
        np.minimum.at(least, owners, added)
        corrected = total + least[:, None]
        corrected[owners, candidates.items] = total[owners, candidates.items] + added
        return corrected

    def rank(self, people: People, shut: NDArray[np.bool_], k: int) -> Rows:
        """(people, k) item rows, best first, -1 where nothing is left."""
        found = self.scores(people, shut)
        found[shut] = -np.inf
        return top_k(found, k, tie_rank=self.community.item_ids.id_rank)

    @cached_property
    def _facts(self) -> Facts:
        return Facts.of(self.graph)

    @cached_property
    def closed(self) -> NDArray[np.bool_]:
        """(items,) True where an item is not available."""
        return (~self.community.items["available"].fill_null(True)).to_numpy()

    def shut(self, people: People) -> NDArray[np.bool_]:
        """(people, items) True where an item is not available, or the person has met it already."""
        met = (people.events > 0).toarray()
        for place, row in enumerate(people.rows):
            if row >= 0:
                for matrix in (self.graph.likes, self.graph.dislikes):
                    met[place, matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]] = True
        return met | self.closed

    # -- answers --

    def recommend(self, member_id: str, k: int = 10, *, lang: Lang = "en", exclude: Collection[str] = ()) -> Ranking:
        """The k best items for a member, each with its reason.

        Args:
            member_id: of a member of the community.
            k: how many; fewer come back where fewer are left.
            lang: of reasons and strategy.
            exclude: ids of items not wanted this time.

        Raises:
            UnknownIdError: there is no such member, or no such item among those to exclude.
        """
        row = self.community.member_ids.row(member_id)
        return answered(self, self.people(np.array([row])), k, lang, exclude, member_id)

    def recommend_for(
        self,
        items: Sequence[str] = (),
        *,
        friends: Sequence[str] = (),
        text: str | None = None,
        k: int = 10,
        lang: Lang = "en",
        exclude: Collection[str] = (),
    ) -> Ranking:
        """The k best items for somebody who has just come, with no training.

        Args:
            items: ids of items they like.
            friends: ids of members they are tied to.
            text: what they wrote of themselves.
            k: how many.
            lang: of reasons and strategy.
            exclude: ids of items not wanted.

        Raises:
            UnknownIdError: an item or a member is not in the community.
            NotFittedError: a text was given and there is no encoder to read it.
        """
        person = self.stranger(items=items, friends=friends, text=text)
        return answered(self, person, k, lang, exclude, None)

    def explain(self, member_id: str, item_id: str) -> list[Reason]:
        """What carries the score of an item for a member, largest first, each true by the removal test.

        Raises:
            UnknownIdError: there is no such member or item.
        """
        row, item = self.community.member_ids.row(member_id), self.community.item_ids.row(item_id)
        person = self.people(np.array([row]))
        return reasons(self, person, self.shut(person), [item])[0]

    # -- other communities, folders --

    def on(
        self, community: Community, *, events: pl.DataFrame | None = None, ties: pl.DataFrame | None = None
    ) -> "SocialModel":
        """The same model over a community that has moved on: events, ties, members and items may have been added.

        Members and items that training has not seen get vectors from their ties, texts and events, with no training.
        Where what is new is named, the graph grows by just that; else it is read anew from all.

        Args:
            community: as it is now.
            events: rows of `community.events` that were not there before.
            ties: rows of `community.ties` that were not there before.

        Raises:
            ArtifactError: members or items known before are not the first of those given.
        """
        return moved(self, community, events, ties)

    def reweighed(self, weights: Mapping[str, float], ranker: Ranker | None) -> "SocialModel":
        """The same fitted sources with other weights, those not named left out, and another ranker or none."""
        sources = {name: self.sources[name] for name in weights}
        return SocialModel(
            self.community, self.graph, self.texts, sources, weights, self.config, self.statistics,
            ranker=ranker, encoder=self.encoder,
        )  # fmt: skip

    def save(self, folder: Path | str) -> None:
        """Write all but the community and the encoder."""
        from penchant.social.saving import save

        save(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str, community: Community, *, encoder: Encoder | None = None) -> "SocialModel":
        """Read back what `save` wrote; answers are identical.

        Args:
            folder: that `save` wrote.
            community: the one it was trained on; `on` then takes one that has moved on.
            encoder: the one it was trained with, if what people write is to be read.

        Raises:
            ArtifactError: the folder is damaged, of another kind or version, of other members or items, or was trained
                with another encoder.
        """
        from penchant.social.saving import load

        return load(Path(folder), community, encoder)
