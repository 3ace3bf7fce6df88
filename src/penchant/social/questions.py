"""What newcomers can be asked: items, and topics; and how likely each answer is from each kind of member."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, Self

import numpy as np
import scipy.sparse as sp

from penchant.language import Lang, Phrase
from penchant.social.answers import ANSWERS, Answer, AnswerConfig
from penchant.social.mixture import Mixture
from penchant.social.topics import Topics
from penchant.vectors import Floats, Rows

Subject = Literal["item", "topic"]

ABOUT_ITEM: Final = Phrase("Do you like “{title}”?", "你喜欢《{title}》吗？")
ABOUT_TAG: Final = Phrase("Are you into {tag}?", "你喜欢“{tag}”吗？")
ABOUT_GROUP: Final = Phrase("Are you into things such as {titles}?", "你喜欢{titles}这一类吗？")
ABOUT_MARKED: Final = Phrase("Are you into {tags}, such as {titles}?", "你喜欢{tags}，例如{titles}这一类吗？")
AND: Final = Phrase(" and ", "、")
QUOTED: Final = Phrase("“{title}”", "《{title}》")

DRAWS: Final = 4
"""How often what comes to members' minds is drawn."""
LEAST_FOND: Final = 0.02
"""However fond a kind of member is of a topic, so many answer otherwise."""


@dataclass(frozen=True)
class Question:
    """One question to a newcomer."""

    number: int
    """Among all questions there are; what an answer is given to."""
    subject: Subject
    tags: tuple[str, ...] = ()
    """Of a topic: its tag, or those that mark it."""
    titles: tuple[str, ...] = ()
    """Of an item: its own; of a topic: items that it is known by."""
    item_id: str | None = None
    """Of an item."""

    def text(self, lang: Lang = "en") -> str:
        """The question in words.

        >>> Question(0, "topic", tags=("post-punk",)).text("en"), Question(1, "item", titles=("Heat",)).text("zh")
        ('Are you into post-punk?', '你喜欢《Heat》吗？')
        """
        if self.subject == "item":
            return ABOUT_ITEM(lang, title=self.titles[0])
        shown = joined([QUOTED(lang, title=title) for title in self.titles], lang)
        if not self.titles:
            return ABOUT_TAG(lang, tag=self.tags[0])
        if not self.tags:
            return ABOUT_GROUP(lang, titles=shown)
        return ABOUT_MARKED(lang, tags=joined(self.tags, lang), titles=shown)

    def short(self, lang: Lang = "en") -> str:
        """What it is about, in a few words."""
        if self.subject == "item" or not self.tags:
            return joined([QUOTED(lang, title=title) for title in self.titles[:2]], lang)
        return joined(self.tags, lang)


@dataclass(frozen=True, eq=False)
class Questions:
    """All questions there are: first the items, then the topics."""

    items: Rows
    """(item questions,) columns of the items that one can be asked about: those most liked."""
    topics: Topics
    fondness: Floats
    """(kinds, topics) chance that a member of a kind is fond of a topic."""
    usual_fondness: Floats
    """(topics,) the same of everyone."""
    answers: AnswerConfig

    @classmethod
    def of(
        cls,
        likes: sp.csr_matrix,
        kinds: Floats,
        topics: Topics,
        rng: np.random.Generator,
        *,
        item_count: int,
        answers: AnswerConfig,
        prior: float,
    ) -> Self:
        """Questions for a community.

        Args:
            likes: (members, items) ones.
            kinds: (members, kinds) how likely each member is of each kind.
            topics: over the same items.
            rng: what of their likes comes to each member's mind.
            item_count: items that one can be asked about, at most.
            answers: how people answer.
            prior: members like everyone together that each kind is thought to hold beside its own.
        """
        counts = np.asarray(likes.sum(axis=0)).ravel()
        popular = np.argsort(-counts, kind="stable")[:item_count]
        # People answer from what comes to their mind, and no one thinks of all they like.
        fond = np.mean([topics.fond(_recalled(likes, answers.recall, rng)) for _ in range(DRAWS)], axis=0)
        usual = fond.mean(axis=0) if len(fond) else np.zeros(len(topics))
        fondness = (kinds.T @ fond + prior * usual) / (kinds.sum(axis=0)[:, None] + prior)
        return cls(
            np.sort(popular[counts[popular] > 0]).astype(np.int64),
            topics,
            fondness.astype(np.float32),
            usual.astype(np.float32),
            answers,
        )

    def __len__(self) -> int:
        return len(self.items) + len(self.topics)

    @cached_property
    def subjects(self) -> np.ndarray:
        """(questions,) True where a question is about a topic."""
        return np.arange(len(self)) >= len(self.items)

    def chances(self, mixture: Mixture) -> Floats:
        """(answers, kinds, questions) how likely each kind gives each answer."""
        return self._answered(np.hstack([mixture.chance[:, self.items], self.fondness]), mixture)

    def chances_of(self, likes: sp.csr_matrix, kinds: Floats, mixture: Mixture) -> Floats:
        """(answers, members, questions) how likely each of some members would give each answer.

        What a member likes and what their kind likes count half each: who has not met an item may still like it.
        """
        own = (likes[:, self.items].toarray() + kinds @ mixture.chance[:, self.items]) / 2
        fond = (3 * self.topics.fond(likes) + kinds @ self.fondness) / 4
        return self._answered(np.hstack([own, fond]), mixture)

    def _answered(self, liking: Floats, mixture: Mixture) -> Floats:
        overall = np.concatenate([mixture.overall[self.items], self.usual_fondness])
        recall = np.where(self.subjects, 1 - LEAST_FOND, self.answers.recall)
        chances = self.answers.chances(np.clip(liking, LEAST_FOND * overall, 1 - LEAST_FOND), overall, recall)
        return np.maximum(chances, 1e-4).astype(np.float32)

    def told_by(self, number: int, liked: sp.csr_matrix) -> Answer:
        """What somebody who likes just these items would say: like, or that they don't know.

        Args:
            number: of the question.
            liked: (1, items) ones.
        """
        if number < len(self.items):
            likes = bool(liked[0, self.items[number]])
        else:
            likes = bool(self.topics.fond(liked)[0, number - len(self.items)])
        return Answer.LIKE if likes else Answer.UNKNOWN


def _recalled(likes: sp.csr_matrix, share: float, rng: np.random.Generator) -> sp.csr_matrix:
    """A share of what each member likes, drawn by chance."""
    kept = likes.copy()
    kept.data = (rng.random(kept.nnz) < share).astype(np.float32)
    kept.eliminate_zeros()
    return kept


def place_of(answer: Answer) -> int:
    """The place of an answer on the first axis of chances."""
    return ANSWERS.index(answer)


def joined(words: tuple[str, ...] | list[str], lang: Lang) -> str:
    """Words as a list in a sentence.

    >>> joined(["a", "b", "c"], "en"), joined(["a", "b"], "zh")
    ('a, b and c', 'a、b')
    """
    if len(words) < 2:
        return "".join(words)
    return (", " if lang == "en" else "、").join(words[:-1]) + AND(lang) + words[-1]
