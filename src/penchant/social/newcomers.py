"""Recommendations for people of whom almost nothing is known: a few answers, ties, a line about themselves."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import ValidationError

from penchant.artifacts import load_artifact, save_artifact
from penchant.errors import ArtifactError, TooLittleDataError
from penchant.social.answers import information
from penchant.social.asking import Asking
from penchant.social.graph import Graph
from penchant.social.known import Belief, Known, NewcomersConfig, Parts
from penchant.social.mixture import Mixture
from penchant.social.questions import Questions, place_of
from penchant.social.topics import Topics
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

KIND: Final = "social-newcomers"
LEAST_BITS: Final = 1e-6
"""A question whose answer is expected to tell less tells nothing."""


class Newcomers:
    """Learns what kinds of members there are, and finds out by few questions what somebody new would like.

    Who answers as certain members would have answered is shown what these like. Beside that stand what their friends
    like and what reads like their own words. Nothing is trained when somebody comes.
    """

    def __init__(
        self,
        graph: Graph,
        config: NewcomersConfig,
        *,
        items: Rows,
        mixture: Mixture,
        questions: Questions,
        sample: Rows,
    ) -> None:
        self.graph = graph
        self.config = config
        self.items = items
        """(columns,) item rows that can be recommended to newcomers."""
        self.mixture = mixture
        self.questions = questions
        self.sample = sample
        """Rows of the members who stand for all."""

    @classmethod
    def fit(cls, graph: Graph, config: NewcomersConfig | None = None, options: Options | None = None) -> "Newcomers":
        """Learn the kinds and topics of a community.

        Raises:
            TooLittleDataError: nobody likes anything, or all like the same.
        """
        config, options = config or NewcomersConfig(), options or Options()
        rng = options.rng()
        counts = np.bincount(graph.events.indices, minlength=graph.item_count)
        known = np.flatnonzero(counts >= min(config.fewest_likes, max(int(counts.max(initial=0)), 1)))
        if not len(known):
            raise TooLittleDataError("newcomers are shown what members like, and nobody here likes anything yet")
        items = np.sort(known[np.argsort(-counts[known], kind="stable")][: config.most_items]).astype(np.int64)
        active = np.flatnonzero(np.diff(graph.events.indptr)).astype(np.int64)
        if len(active) > config.most_members:
            active = np.sort(rng.choice(active, config.most_members, replace=False))
        likes = _ones(graph.events[active][:, items])
        mixture = Mixture.fit(likes, config.mixture, rng)
        topics = Topics.of(likes, graph.tags[items], graph.tag_names, config.topics, rng)
        questions = Questions.of(
            likes, mixture.kinds_of(likes), topics, rng,
            item_count=config.item_questions, answers=config.answers, prior=config.mixture.prior,
        )  # fmt: skip
        return cls(graph, config, items=items, mixture=mixture, questions=questions, sample=active)

    def on(self, graph: Graph) -> "Newcomers":
        """The same kinds and questions over a graph in which something has changed; nothing is learned anew."""
        return Newcomers(
            graph, self.config,
            items=self.items, mixture=self.mixture, questions=self.questions, sample=self.sample,
        )  # fmt: skip

    def configured(self, config: NewcomersConfig) -> "Newcomers":
        """The same kinds and questions with other weights; what was learned stays."""
        other = Newcomers(
            self.graph, config,
            items=self.items, mixture=self.mixture, questions=self.questions, sample=self.sample,
        )  # fmt: skip
        for name in ("likes", "overall", "chances", "_kinds", "chances_of_members", "_by_column"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    @cached_property
    def likes(self) -> sp.csr_matrix:
        """(sampled members, columns) ones."""
        return _ones(self.graph.events[self.sample][:, self.items])

    @cached_property
    def overall(self) -> Floats:
        """(columns,) share of members who like each item: the answer while nothing is known."""
        return np.asarray(self.likes.mean(axis=0), dtype=np.float32).ravel()

    @cached_property
    def chances(self) -> Floats:
        """(answers, kinds, questions) how likely each kind gives each answer."""
        return self.questions.chances(self.mixture)

    @cached_property
    def _kinds(self) -> Floats:
        return self.mixture.kinds_of(self.likes)

    @cached_property
    def chances_of_members(self) -> Floats:
        """(answers, sampled members, questions) how likely each member would give each answer."""
        return self.questions.chances_of(self.likes, self._kinds, self.mixture)

    @cached_property
    def _asking(self) -> Asking:
        return Asking(self)

    @cached_property
    def _by_column(self) -> sp.csr_matrix:
        return self.likes.T.tocsr()

    def friends(self, rows: Sequence[int] | Rows) -> Rows:
        """The members among some whose likes may be shown: those who are not private and like anything."""
        shown = np.unique(np.asarray(rows, dtype=np.int64))
        shown = shown[~self.graph.private[shown]]
        return shown[np.diff(self.graph.events.indptr)[shown] > 0]

    def nearness(self, item_vectors: Floats, said: Floats) -> Floats | None:
        """(columns,) how near each item's text is to some words, in standard deviations; None where words say nothing.

        Args:
            item_vectors: (items, width, or a whole number of widths side by side).
            said: (width,) what somebody says of themselves.
        """
        if not said.size or not said.any():
            return None
        vectors = item_vectors[self.items]
        times = vectors.shape[1] // len(said)
        near = vectors @ np.tile(said, times)
        spread = float(near.std())
        # A few words of a title met by chance make no item a hundred times likelier.
        return np.clip((near - near.mean()) / spread, -3, 3).astype(np.float32) if spread > 0 else None

    def belief(self, known: Known) -> Belief:
        """Who somebody might be, from answers, ties and words."""
        kinds = self.mixture.share.astype(np.float64)
        friends = self.friends(known.friends)
        if len(friends):
            theirs = self.mixture.kinds_of(_ones(self.graph.events[friends][:, self.items])).sum(axis=0)
            kinds = (theirs + self.config.tie_prior * kinds) / (len(friends) + self.config.tie_prior)
        if known.nearness is not None and self.config.word_trust:
            kinds = kinds * np.exp(self.config.word_trust * self._word_lift(known.nearness))
        members = self._kinds @ (kinds / np.maximum(self.mixture.share, 1e-9))
        for number, answer in known.answers.items():
            place = place_of(answer)
            kinds = kinds * self.chances[place, :, number]
            members = members * self.chances_of_members[place, :, number]
        return Belief(_normal(kinds), _normal(members))

    def scores(self, known: Known, columns: Rows | None = None) -> Floats:
        """(columns,) chance, more or less, that somebody likes each item; popularity where nothing is known.

        Args:
            known: of somebody.
            columns: of the items that are wanted; all if absent.
        """
        return self.parts(known, columns).scores(self.config)

    def parts(self, known: Known, columns: Rows | None = None) -> Parts:
        """What each source says of every item, or of those wanted."""
        wanted: Any = slice(None) if columns is None else columns
        belief = self.belief(known)
        friends = self.friends(known.friends)
        theirs = words = None
        if len(friends):
            counted = np.asarray(_ones(self.graph.events[friends][:, self.items[wanted]]).sum(axis=0)).ravel()
            prior = self.config.tie_prior
            theirs = ((counted + prior * self.overall[wanted]) / (len(friends) + prior)).astype(np.float32)
        if known.nearness is not None:
            tilted = self.overall * np.exp(self.config.word_sharpness * known.nearness)
            words = (tilted[wanted] * self.overall.sum() / max(float(tilted.sum()), 1e-9)).astype(np.float32)
        return Parts(
            kinds=(belief.kinds @ self.mixture.chance[:, wanted]).astype(np.float32),
            members=np.asarray(
                (self._by_column if columns is None else self._by_column[columns]) @ belief.members, dtype=np.float32
            ),
            friends=theirs,
            words=words,
        )

    def next_question(self, known: Known, *, about: str = "all") -> int | None:
        """The number of the question to ask next; None where none tells anything more.

        Of those whose answers are expected to tell most it is the one after which the list is expected to be best.

        Args:
            known: what has been answered is not asked again.
            about: `items`, `topics` or `all`.
        """
        told = information(self.belief(known).kinds, self.chances)
        told[list(known.answers)] = -1
        if about != "all":
            told[self.questions.subjects != (about == "topics")] = -1
        if not len(told) or told.max() <= LEAST_BITS:
            return None
        if self.config.asked_by == "information":
            return int(told.argmax())
        best = np.argsort(-told, kind="stable")[: self.config.considered]
        best = best[told[best] > LEAST_BITS]
        return int(best[self._asking.worth(known, best).argmax()])

    def asked_items(self, known: Known) -> Rows:
        """Columns of the items that somebody was asked about; they are not recommended."""
        numbers = [number for number in known.answers if number < len(self.questions.items)]
        return self.questions.items[numbers]

    def save(self, folder: Path | str) -> None:
        """Write what was learned; the graph is saved by itself."""
        topics = self.questions.topics
        save_artifact(
            folder,
            KIND,
            arrays={
                "items": self.items,
                "sample": self.sample,
                "share": self.mixture.share,
                "chance": self.mixture.chance,
                "asked": self.questions.items,
                "fondness": self.questions.fondness,
                "usual_fondness": self.questions.usual_fondness,
                "usual": topics.usual,
            },
            matrices={"topics": topics.items},
            meta={"config": self.config.model_dump(mode="json"), "topics": topics.meta()},
        )

    @classmethod
    def load(cls, folder: Path | str, graph: Graph) -> "Newcomers":
        """Read back what `save` wrote, over the graph of the community.

        Raises:
            ArtifactError: the folder is damaged, holds something else, or was saved by another version.
        """
        artifact = load_artifact(folder, KIND)
        try:
            config = NewcomersConfig.model_validate(artifact.meta["config"])
        except ValidationError as error:
            raise ArtifactError(f"{folder} was saved by another version of Penchant ({error}); build again") from error
        arrays = artifact.arrays
        topics = Topics.from_saved(artifact.matrices["topics"], arrays["usual"], artifact.meta["topics"])
        questions = Questions(
            arrays["asked"], topics, arrays["fondness"], arrays["usual_fondness"], config.answers
        )  # fmt: skip
        mixture = Mixture(arrays["share"], arrays["chance"])
        return cls(graph, config, items=arrays["items"], mixture=mixture, questions=questions, sample=arrays["sample"])

    def _word_lift(self, nearness: Floats) -> Floats:
        """(kinds,) how much more each kind likes the items nearest to some words than everyone does, as a mean log."""
        count = min(50, len(nearness))
        nearest = np.argpartition(-nearness, count - 1)[:count]
        lift = np.log(self.mixture.chance[:, nearest] / np.maximum(self.mixture.overall[nearest], 1e-9))
        weight = self.mixture.overall[nearest]
        return lift @ (weight / weight.sum())


def _normal(weights: NDArray[Any]) -> Floats:
    total = float(weights.sum())
    if not total > 0:
        return np.full(len(weights), 1 / max(len(weights), 1), dtype=np.float32)
    return (weights / total).astype(np.float32)


def _ones(matrix: sp.csr_matrix) -> sp.csr_matrix:
    kept = sp.csr_matrix(matrix, copy=True, dtype=np.float32)
    kept.data = (kept.data > 0).astype(np.float32)
    kept.eliminate_zeros()
    kept.sort_indices()
    return kept
