"""What a newcomer says to a question, and how much it tells."""

from enum import StrEnum
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from penchant.errors import InputError
from penchant.language import Phrase
from penchant.vectors import Floats


class Answer(StrEnum):
    """One of the three answers to a question."""

    LIKE = "like"
    DISLIKE = "dislike"
    UNKNOWN = "don't know"


ANSWERS: Final = (Answer.LIKE, Answer.DISLIKE, Answer.UNKNOWN)
"""In the order of the first axis of what `AnswerConfig.chances` gives."""

WORDS: Final = {
    Answer.LIKE: Phrase("like", "喜欢"),
    Answer.DISLIKE: Phrase("dislike", "不喜欢"),
    Answer.UNKNOWN: Phrase("don't know", "不了解"),
}
"""How the answers are offered."""

_READ: Final = {
    Answer.LIKE: ("like", "l", "y", "yes", "+", "喜欢", "是"),
    Answer.DISLIKE: ("dislike", "d", "n", "no", "-", "不喜欢", "否"),
    Answer.UNKNOWN: ("don't know", "dont know", "dunno", "u", "?", "", "不了解", "不知道", "跳过"),
}


def read_answer(text: str) -> Answer:
    """The answer that somebody typed, in English or Chinese.

    Raises:
        InputError: it is none of the three.

    >>> read_answer("Like"), read_answer("不喜欢") is Answer.DISLIKE, read_answer("?").value
    (<Answer.LIKE: 'like'>, True, "don't know")
    """
    said = text.strip().lower().replace("’", "'")
    for answer, words in _READ.items():
        if said in words:
            return answer
    raise InputError(f"the answer {text.strip()!r} is none of like (喜欢), dislike (不喜欢), don't know (不了解)")


class AnswerConfig(BaseModel):
    """How people answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recall: float = Field(default=0.5, gt=0, le=1)
    """Chance that somebody who would like an item knows it and says so."""
    dislikes: float = Field(default=0.15, ge=0, lt=1)
    """Chance that somebody who does not like what most like as little says so, instead of `don't know`."""

    def chances(self, liking: Floats, overall: Floats, recall: Floats) -> Floats:
        """(3, whose, questions) the chance of each of `ANSWERS`.

        Those who like a thing less than others do say more often that they dislike it.

        Args:
            liking: (whose, questions) chance of liking.
            overall: (questions,) the same of everyone.
            recall: (questions,) chance that liking is said.

        >>> AnswerConfig().chances(np.array([[0.5]]), np.array([0.5]), np.array([1.0])).ravel().round(2).tolist()
        [0.5, 0.04, 0.46]
        """
        like = recall * liking
        dislike = (1 - like) * self.dislikes * overall / np.maximum(overall + liking, 1e-9)
        return np.stack([like, dislike, 1 - like - dislike])


def information(belief: Floats, chances: Floats) -> Floats:
    """(questions,) bits that the answer to each question is expected to tell of who somebody is.

    The mutual information of the answer and the kind of the member: how unsure the answer is, less how unsure it would
    be if the kind were known.

    Args:
        belief: (kinds,) how likely somebody is of each kind.
        chances: (answers, kinds, questions).

    >>> told = np.array([[[1.0, 0.5], [0.0, 0.5]], [[0.0, 0.5], [1.0, 0.5]]])
    >>> information(np.array([0.5, 0.5]), told).tolist()
    [1.0, 0.0]
    """
    expected = np.einsum("k,akq->aq", belief, chances)
    return _bits(expected) - np.einsum("k,kq->q", belief, _bits(chances))


def _bits(chances: Floats) -> Floats:
    return -(chances * np.log2(np.maximum(chances, 1e-12))).sum(axis=0)
