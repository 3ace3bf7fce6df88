"""A newcomer's questionnaire: asks what tells most, and recommends after every answer, with reasons that hold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np

from penchant.data.community import Community
from penchant.data.verdicts import Evidence, Pick, Ranking
from penchant.errors import InputError
from penchant.language import Lang, Phrase
from penchant.social.answers import WORDS, Answer
from penchant.social.known import Known
from penchant.social.newcomers import Newcomers
from penchant.social.questions import Question, joined
from penchant.social.texts import TextVectors
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows

LIKED: Final = Phrase("Because you like {what}.", "因为你喜欢{what}。")
DISLIKED: Final = Phrase("Because you do not care for {what}.", "因为你不喜欢{what}。")
NOT_KNOWN: Final = Phrase("Because {what} is not what you know.", "因为你不了解{what}。")
ONE_FRIEND: Final = Phrase("{who} likes it.", "{who} 喜欢。")
SOME_FRIENDS: Final = Phrase("{who} like it.", "{who} 都喜欢。")
MORE_FRIENDS: Final = Phrase(
    "{who} and {more} more of those you follow like it.", "{who} 等 {total} 位你关注的人喜欢。"
)
LIKE_FRIENDS: Final = Phrase("Those you follow like such things.", "你关注的人喜欢这一类。")
WRITTEN: Final = Phrase("Because you wrote “{words}”.", "因为你写道“{words}”。")
POPULAR_HERE: Final = Phrase("Many here like it.", "这里很多人喜欢。")

NOTHING_KNOWN: Final = Phrase("popular: nothing is known of this person yet", "热门：对此人尚一无所知")
GOES_BY: Final = Phrase("newcomer: goes by {what}", "新人：依据{what}")
ONE_ANSWER: Final = Phrase("one answer", "1 个回答")
ANSWERS_GIVEN: Final = Phrase("{count} answers", "{count} 个回答")
ONE_TIE: Final = Phrase("one tie", "1 位所关注的人")
TIES: Final = Phrase("{count} ties", "{count} 位所关注的人")
OWN_WORDS: Final = Phrase("what they say of themselves", "自我介绍")

_FRIENDS_NAMED: Final = 2
_WORDS_SHOWN: Final = 60


@dataclass(frozen=True, eq=False)
class Questionnaire:
    """One newcomer's questions and answers so far; every answer gives a new one.

    >>> from penchant.data.simulated import SimulatedConfig, simulate
    >>> from penchant.social.graph import Graph
    >>> from penchant.training.options import Options
    >>> bazaar = simulate(SimulatedConfig(events=2_000, members=100, seed=3, language="en")).community
    >>> sheet = Questionnaire(Newcomers.fit(Graph.of(bazaar), options=Options(seed=1)), bazaar)
    >>> question = sheet.next()
    >>> sheet = sheet.answered(question, Answer.LIKE)
    >>> len(sheet.recommend(k=5)), sheet.recommend(k=5).strategy
    (5, 'newcomer: goes by one answer')
    """

    newcomers: Newcomers
    community: Community
    known: Known = field(default_factory=Known)
    words: str = ""
    """What they say of themselves."""

    @classmethod
    def start(
        cls,
        newcomers: Newcomers,
        community: Community,
        *,
        friends: Iterable[str] = (),
        words: str = "",
        texts: TextVectors | None = None,
        encoder: Encoder | None = None,
    ) -> Self:
        """A questionnaire for somebody of whom something may be known already.

        Args:
            newcomers: of the community.
            community: whose ids and titles are shown.
            friends: ids of members they look to.
            words: a line about themselves.
            texts: vectors of the items' texts, where words are to be read.
            encoder: that made `texts`.

        Raises:
            UnknownIdError: a friend is no member.
            InputError: there are words, and nothing to read them with.
        """
        rows: Rows = np.array(sorted({community.member_ids.row(friend) for friend in friends}), dtype=np.int64)
        nearness: Floats | None = None
        if words.strip():
            if texts is None or encoder is None or not texts.width:
                raise InputError("a line about oneself needs the vectors of the items' texts and their encoder")
            nearness = newcomers.nearness(texts.items, texts.of_words(encoder, [words]))
        return cls(newcomers, community, Known(friends=rows, nearness=nearness), words.strip())

    def next(self, *, about: str = "all") -> Question | None:
        """The question that is expected to tell most; None where enough were asked, or none tells anything more.

        Args:
            about: `items`, `topics` or `all`.
        """
        if len(self.known.answers) >= self.newcomers.config.most_questions:
            return None
        number = self.newcomers.next_question(self.known, about=about)
        return None if number is None else self.question(number)

    def question(self, number: int) -> Question:
        """A question by its number.

        Raises:
            InputError: there is no such question.
        """
        questions = self.newcomers.questions
        if not 0 <= number < len(questions):
            raise InputError(f"there is no question {number}; the questions are 0 to {len(questions) - 1}")
        items, ids, titles = self.newcomers.items, self.community.item_ids, self.community.titles
        if number < len(questions.items):
            row = int(items[questions.items[number]])
            return Question(number, "item", titles=(titles[row],), item_id=ids.id(row))
        topic = number - len(questions.items)
        shown = tuple(titles[int(items[column])] for column in questions.topics.examples[topic])
        return Question(number, "topic", tags=questions.topics.tags[topic], titles=shown)

    def answered(self, question: Question | int, answer: Answer) -> Self:
        """The questionnaire after an answer; a second answer to a question takes the place of the first."""
        number = question if isinstance(question, int) else question.number
        self.question(number)
        return replace(self, known=self.known.answered(number, answer))

    def recommend(self, k: int = 10, *, lang: Lang = "en") -> Ranking:
        """What to show now, best first; what was asked about is left out.

        Args:
            k: how many.
            lang: of reasons and strategy.
        """
        scores = self.newcomers.scores(self.known).astype(np.float64)
        scores[self.newcomers.asked_items(self.known)] = -np.inf
        available = self.community.items["available"].fill_null(True).to_numpy()[self.newcomers.items]
        scores[~available] = -np.inf
        rank = self.community.item_ids.id_rank[self.newcomers.items]
        best = np.lexsort((rank, -scores))[:k]
        best = best[np.isfinite(scores[best])]
        carried = self._carried(best)
        picks = [
            self._pick(
                int(column), float(scores[column]), {piece: drop[place] for piece, drop in carried.items()}, lang
            )
            for place, column in enumerate(best)
        ]
        return Ranking(tuple(picks), self.strategy(lang))

    def strategy(self, lang: Lang = "en") -> str:
        """What the recommendations go by, in a phrase."""
        parts = []
        if count := len(self.known.answers):
            parts.append((ONE_ANSWER if count == 1 else ANSWERS_GIVEN)(lang, count=count))
        if count := len(self.newcomers.friends(self.known.friends)):
            parts.append((ONE_TIE if count == 1 else TIES)(lang, count=count))
        if self.known.nearness is not None:
            parts.append(OWN_WORDS(lang))
        return GOES_BY(lang, what=joined(parts, lang)) if parts else NOTHING_KNOWN(lang)

    def _carried(self, columns: Rows) -> dict[int | str, Floats]:
        """How far the scores of some columns fall without each piece of what is known; a share of the score."""
        whole = self.newcomers.scores(self.known, columns)
        without: dict[int | str, Known] = {number: self.known.without_answer(number) for number in self.known.answers}
        if len(self.newcomers.friends(self.known.friends)):
            without["ties"] = replace(self.known, friends=np.zeros(0, dtype=np.int64))
        if self.known.nearness is not None:
            without["words"] = replace(self.known, nearness=None)
        fallen: dict[int | str, Floats] = {}
        for piece, known in without.items():
            left = self.newcomers.scores(known, columns)
            fallen[piece] = ((whole - left) / np.maximum(whole, 1e-9)).astype(np.float32)
        return fallen

    def _pick(self, column: int, score: float, carried: dict[int | str, float], lang: Lang) -> Pick:
        row = int(self.newcomers.items[column])
        raised = {piece: share for piece, share in carried.items() if share > 0}
        total = sum(raised.values())
        pieces = sorted(raised, key=lambda piece: -raised[piece])
        evidence = tuple(self._evidence(piece, raised[piece] / max(total, 1.0), lang) for piece in pieces)
        reason = self._because(pieces[0], row, lang) if pieces else POPULAR_HERE(lang)
        return Pick(self.community.item_ids.id(row), self.community.titles[row], score, reason, evidence)

    def _evidence(self, piece: int | str, share: float, lang: Lang) -> Evidence:
        share = min(share, 1.0)
        if isinstance(piece, int):
            question, answer = self.question(piece), self.known.answers[piece]
            said = f"{question.text(lang)} {WORDS[answer](lang)}"
            return Evidence(share, item_id=question.item_id, text=said, source="answer")
        return Evidence(share, text=self.words if piece == "words" else None, source=piece)

    def _because(self, piece: int | str, row: int, lang: Lang) -> str:
        if isinstance(piece, int):
            phrase = {Answer.LIKE: LIKED, Answer.DISLIKE: DISLIKED, Answer.UNKNOWN: NOT_KNOWN}
            return phrase[self.known.answers[piece]](lang, what=self.question(piece).short(lang))
        if piece == "words":
            shown = self.words if len(self.words) <= _WORDS_SHOWN else self.words[:_WORDS_SHOWN] + "…"
            return WRITTEN(lang, words=shown)
        graph = self.newcomers.graph
        friends = self.newcomers.friends(self.known.friends)
        fans = [int(friend) for friend in friends if graph.events[int(friend), row] > 0]
        return self._of_friends([self.community.member_ids.id(fan) for fan in fans], lang)

    @staticmethod
    def _of_friends(fans: Sequence[str], lang: Lang) -> str:
        if not fans:
            return LIKE_FRIENDS(lang)
        if len(fans) == 1:
            return ONE_FRIEND(lang, who=fans[0])
        if len(fans) <= _FRIENDS_NAMED:
            return SOME_FRIENDS(lang, who=joined(list(fans), lang))
        named = fans[:_FRIENDS_NAMED]
        who = ", ".join(named) if lang == "en" else "、".join(named)
        return MORE_FRIENDS(lang, who=who, more=len(fans) - len(named), total=len(fans))
