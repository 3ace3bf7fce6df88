"""The searcher: how a query is read, which items answer it in which order, and a reason for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from penchant.data.community import Community
from penchant.data.verdicts import Pick, Ranking
from penchant.errors import ConfigError, NotFittedError
from penchant.language import Lang, written_language
from penchant.search import wording
from penchant.search.candidates import Candidates, best_first, gather
from penchant.search.config import SearchConfig
from penchant.search.dense import encoded, for_queries
from penchant.search.features import features
from penchant.search.filters import Filters
from penchant.search.fusion import FusionConfig, fuse
from penchant.search.indexed import IndexedItems
from penchant.search.personal import Pasts, Taste, nearest_liked, nearness, personalised, taste_of
from penchant.search.querymap import QueryMap
from penchant.search.reasons import reason, strategy
from penchant.search.reranker import Reranker
from penchant.search.wished import lift
from penchant.search.words import analyse, fold
from penchant.text.encoder import Encoder
from penchant.text.wishes import Refiner, Wishes
from penchant.vectors import Floats, Rows


@dataclass(frozen=True)
class Asked:
    """A query as it was read."""

    text: str
    """Folded, mended, and cut where it was too long."""
    words: tuple[str, ...]
    mended: dict[str, str]
    """Which word was taken for which."""
    is_cut: bool


class Searcher(IndexedItems):
    """Finds the items that answer a query, by their words and by their meaning.

    >>> import polars as pl
    >>> shop = pl.DataFrame({"item_id": ["p1", "p2"], "title": ["Summer dress with flowers", "铸铁锅"]})
    >>> found = Searcher().fit(shop).search("flower dres")
    >>> found[0].title, found[0].reason
    ('Summer dress with flowers', 'Has “flower” and “dress”.')
    """

    def __init__(
        self,
        config: SearchConfig | None = None,
        *,
        encoder: Encoder | None = None,
        query_encoder: Encoder | None = None,
    ) -> None:
        super().__init__(config or SearchConfig(), encoder)
        self.query_encoder = query_encoder or (for_queries(encoder) if encoder is not None else None)
        self.fusion: FusionConfig = self.config.fusion
        self.query_map: QueryMap | None = None
        self.reranker: Reranker | None = None
        self.strength = self.config.personal.strength
        """How much a member's taste counts."""
        self._refiner: Refiner | None = None
        self._pasts: Pasts | None = None

    def on(self, community: Community) -> "Searcher":
        """The same searcher for a community with newer events."""
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__ | {"community": community}
        return other

    # -- answers --

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        member_id: str | None = None,
        filters: Filters | None = None,
        lang: Lang | None = None,
        wishes: Wishes | None = None,
    ) -> Ranking:
        """The k items that answer a query best, each with its reason.

        Args:
            query: in any words; what is longer than `longest_query` is cut.
            k: how many; fewer come back where fewer are found.
            member_id: whose taste counts; nobody's if absent.
            filters: what the items must be.
            lang: of reasons and strategy; that of the query if absent.
            wishes: what was asked of the items since, as `wish` read it.

        Raises:
            UnknownIdError: there is no such member.
            ConfigError: k is below one, or no item is of a category or has a tag that was asked for.
            NotFittedError: a member was named, and the searcher knows no community.
        """
        if k < 1:
            raise ConfigError(f"k is {k}; ask for at least 1 item")
        lang = lang or written_language(query)
        fits = (filters or Filters()).fits(self.catalogue)
        taste = self.taste(member_id) if member_id is not None else None
        asked = self.read(f"{query} {wishes.phrase}" if wishes else query)
        if not asked.words:
            return Ranking((), wording.NO_WORDS(lang), member_id)
        if not fits.any():
            return Ranking((), wording.NOTHING_FITS(lang, items=int(self.catalogue.alive.sum())), member_id)
        if wishes:
            allowed, fits = fits, fits & self.refiner.fits(wishes)
            if not fits.any():
                return Ranking((), self._nothing_wished(wishes, allowed, lang), member_id)
        (found,) = self.candidates([asked], fits=fits, depth=max(k, self.config.depth))
        if not len(found):
            return Ranking((), wording.NOTHING_FOUND(lang), member_id)
        best, scores = self.ordered(found, k, taste, wishes)
        told = strategy(
            with_meaning=self._with_meaning,
            some_have_words=bool(found.lexical.any()),
            is_reranked=self.reranker is not None,
            member_id=member_id,
            has_taste=taste is not None and self.strength > 0,
            mended=asked.mended,
            cut_at=self.config.longest_query if asked.is_cut else None,
            lang=lang,
        )
        if wishes:
            told = wording.WISHED(lang, rest=told, wishes=wishes.meant(lang))
        return Ranking(self._picks(best, scores, taste, lang), told, member_id)

    def wish(self, sentence: str, wishes: Wishes | None = None, *, shown: Ranking | None = None) -> Wishes:
        """What is asked of the items after one more sentence: `lighter, under 100`, `再便宜一点，不要红色`.

        Args:
            sentence: in English, Chinese or both.
            wishes: after the sentences before; none if absent.
            shown: the answer that the sentence is about: cheaper than these, more like the second.
        """
        rows = [row for pick in shown or () if (row := self.catalogue.row(pick.item_id)) is not None]
        return self.refiner.read(sentence, wishes, shown=rows)

    @property
    def refiner(self) -> Refiner:
        """What reads sentences about the items as they are now."""
        items = self.catalogue.items
        if self._refiner is None or self._refiner.index.items is not items:
            self._refiner = Refiner(items)
        return self._refiner

    def suggest(self, begun: str, k: int = 10) -> list[str]:
        """How a query that was begun may go on, the likeliest first."""
        return self.suggestions.complete(begun, k)

    # -- the steps of an answer, for many queries at once: learning and benchmarks --

    def read(self, query: str) -> Asked:
        """A query folded, cut and mended."""
        text = fold(query.strip())
        cut = text[: self.config.longest_query]
        mended, changes = self._speller.correct(cut)
        return Asked(mended, tuple(analyse(mended)), changes, len(text) > len(cut))

    def vectors(self, asked: Sequence[Asked]) -> Floats | None:
        """(queries, width) as the encoder reads them; None where items are searched by words alone."""
        if self.query_encoder is None or not self._with_meaning:
            return None
        return encoded(self.query_encoder, [one.text for one in asked])

    def candidates(
        self,
        asked: Sequence[Asked],
        *,
        fits: NDArray[np.bool_] | None = None,
        depth: int | None = None,
        plain: Floats | None = None,
        mapped: Floats | None = None,
    ) -> list[Candidates]:
        """The items worth ranking for each query.

        Args:
            asked: the queries.
            fits: (rows,) True where an item may be found; all that are there if absent.
            depth: best items of each list; as configured if absent.
            plain: (queries, width) vectors of the queries; encoded if absent.
            mapped: the same as a map turned them; turned by the searcher's own if absent.
        """
        plain = self.vectors(asked) if plain is None else plain
        if mapped is None and plain is not None:
            mapped = plain if self.query_map is None else self.query_map.apply(plain)
        return [
            gather(
                one.text,
                one.words,
                self.lexical,
                self.dense,
                fits=self.catalogue.alive if fits is None else fits,
                id_rank=self.catalogue.id_rank,
                depth=depth or self.config.depth,
                vectors=None if plain is None or mapped is None else (mapped[place], plain[place]),
            )
            for place, one in enumerate(asked)
        ]

    def head(self, found: Candidates, k: int = 0) -> tuple[Candidates, Floats]:
        """The candidates that may be put into another order, the best k at least, and their fused scores."""
        fusion = self.fusion if self._with_meaning else self.fusion.model_copy(update={"meaning": 0.0})
        scores = fuse(found, fusion)
        depth = self.config.depth if self.config.reranker is None else self.config.reranker.depth
        best = best_first(scores, found.rows, self.catalogue.id_rank, max(k, depth))
        return found.take(best), scores[best]

    def features(self, head: Candidates, fused: Floats) -> Floats:
        """(candidates, features) what the reranker sees."""
        titles = self.catalogue.titles.gather(head.rows).to_list()
        return features(head, fused, titles, self.popularity[head.rows], self.lexical.weight)

    def ordered(
        self, found: Candidates, k: int, taste: Taste | None = None, wishes: Wishes | None = None
    ) -> tuple[Candidates, Floats]:
        """The k best candidates and their scores, best first."""
        head, scores = self.head(found, k)
        if self.reranker is not None:
            scores = self.reranker.score(self.features(head, scores))
        if taste is not None and self.strength > 0:
            scores = personalised(scores, self.near(taste, head.rows), self.strength)
        if wishes and (added := lift(self, self.refiner, wishes, head.rows)).any():
            scores = personalised(scores, added, self.config.wish_strength)
        titles = self.catalogue.titles.gather(head.rows).to_list()
        if exact := [place for place, title in enumerate(titles) if fold(title.strip()) == head.query]:
            # Whoever writes a whole title means that item, whatever was learned from other queries.
            scores[exact] = scores.max() + 1
        best = best_first(scores, head.rows, self.catalogue.id_rank, k)
        return head.take(best), scores[best]

    def taste(self, member_id: str, *, before: datetime | None = None) -> Taste | None:
        """What a member likes; None where nothing says so, or items are searched by words alone.

        Raises:
            NotFittedError: the searcher knows no community.
            UnknownIdError: there is no such member.
        """
        if self.community is None:
            raise NotFittedError("a member was named and the searcher knows no community; fit or load it with one")
        if self.dense is None:
            self.community.member_ids.row(member_id)
            return None
        weights = self.config.personal.event_weights
        if self._pasts is None or self._pasts.community is not self.community:
            self._pasts = Pasts(self.community, weights)
        return taste_of(
            self._pasts, member_id, self.catalogue, self.dense, self.middle, self.config.personal, before=before
        )

    def near(self, taste: Taste, rows: Rows) -> Floats:
        """(rows,) how near each row is to a taste."""
        assert self.dense is not None, "a taste comes from the index of vectors"
        return nearness(taste, rows, self.dense, self.middle)

    def save(self, folder: Path | str) -> None:
        """Write both indexes and what was learned; the community and the encoder are not written.

        Raises:
            StorageError: the folder cannot be written.
        """
        from penchant.search.saving import save_searcher

        save_searcher(self, Path(folder))

    @classmethod
    def load(
        cls,
        folder: Path | str,
        *,
        encoder: Encoder | None = None,
        query_encoder: Encoder | None = None,
        community: Community | None = None,
    ) -> "Searcher":
        """Read back what `save` wrote, both indexes memory-mapped; answers are identical.

        Args:
            folder: that `save` wrote.
            encoder: the one that the items were read with; without one, items are found by words alone.
            query_encoder: reads queries; the encoder in that role if absent.
            community: whose members' tastes count.

        Raises:
            ArtifactError: the folder is damaged or of another kind, or the encoder is another one.
        """
        from penchant.search.saving import load_searcher

        return load_searcher(Path(folder), encoder=encoder, query_encoder=query_encoder, community=community)

    @property
    def _with_meaning(self) -> bool:
        return self.dense is not None and self.query_encoder is not None

    def _nothing_wished(self, wishes: Wishes, allowed: NDArray[np.bool_], lang: Lang) -> str:
        told = wording.NOTHING_WISHED(lang, items=int(allowed.sum()), wishes=wishes.meant(lang))
        blame = self.refiner.hindering(wishes, allowed)
        return told if blame is None else wording.BUT_WITHOUT(lang, rest=told, wish=blame.meant(lang))

    def _picks(self, best: Candidates, scores: Floats, taste: Taste | None, lang: Lang) -> tuple[Pick, ...]:
        near = self.near(taste, best.rows) if taste is not None and self.strength > 0 else np.zeros(len(best))
        picks = []
        for place, row in enumerate(best.rows.tolist()):
            liked: list[tuple[str, str]] = []
            if taste is not None and self.dense is not None and near[place] > 0:
                liked = nearest_liked(taste, row, self.catalogue, self.dense, self.middle)
            why, evidence = reason(
                self.lexical.parts(best.words, row),
                bool(best.dense_rank[place] >= 0),
                self.fusion.meaning,
                best.query,
                liked,
                lang,
            )
            title = self.catalogue.titles[row]
            picks.append(Pick(self.catalogue.items["item_id"][row], title, float(scores[place]), why, evidence))
        return tuple(picks)
