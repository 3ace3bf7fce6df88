"""Support questions: what somebody wants, the reply that was given before, and a search where neither is sure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.verdicts import Evidence
from penchant.errors import ColumnError, NotFittedError, TooLittleDataError
from penchant.language import Lang, written_language
from penchant.search.dense import encoded, for_queries
from penchant.search.linear import Linear, fitted
from penchant.search.searcher import Searcher
from penchant.search.support_answers import (
    EMPTY,
    NO_SEARCH,
    SURE,
    UNSURE,
    SupportAnswer,
    SupportConfig,
    SupportQuality,
)
from penchant.search.words import fold
from penchant.text.encoder import Encoder
from penchant.vectors import Floats, Rows, unit_rows

KIND: Final = "support"
COLUMNS: Final = ("question", "intent", "reply")


class Support:
    """Answers questions from past dialogues: the intent by a tuned model, the reply by the likest past question.

    The model of intents is a logistic regression over the spelling of a question and, with an encoder, its meaning. How
    sure is sure enough is found on dialogues held out, so that no more than `risk` of the sure answers are wrong there.

    >>> past = pl.DataFrame({
    ...     "question": ["where is my parcel", "parcel not here", "send money back", "I want my money back"] * 2,
    ...     "intent": ["delivery", "delivery", "refund", "refund"] * 2,
    ...     "reply": ["It is on its way.", "It is on its way.", "We pay back.", "We pay back."] * 2,
    ... })
    >>> answer = Support().fit(past).answer("my parcel is not here")
    >>> answer.intent, answer.reply
    ('delivery', 'It is on its way.')
    """

    def __init__(
        self, config: SupportConfig | None = None, *, encoder: Encoder | None = None, searcher: Searcher | None = None
    ) -> None:
        self.config = config or SupportConfig()
        self.encoder = for_queries(encoder) if encoder is not None else None
        """Reads questions; without one they are told apart by spelling alone."""
        self.searcher = searcher
        """Answers where the intent is not sure; nothing does if absent."""
        self.intents: tuple[str, ...] = ()
        self.threshold = 0.0
        """How likely an intent must be to be answered."""
        self._past = pl.DataFrame(schema=dict.fromkeys(COLUMNS, pl.String))
        self._linear: Linear | None = None
        self._spelled = sp.csr_matrix((0, 0), dtype=np.float32)
        self._meant: Floats = np.zeros((0, 0), dtype=np.float32)
        self._middle: Floats = np.zeros(0, dtype=np.float32)
        """(width,) the mean of the past questions' vectors: what all questions share says nothing of any."""

    def fit(self, dialogues: pl.DataFrame) -> Self:
        """Learn from past dialogues.

        Args:
            dialogues: `question`, `intent` and `reply` of each, all texts.

        Raises:
            ColumnError: a column is missing.
            TooLittleDataError: there are fewer than two intents, or one with a single question.
        """
        missing = [name for name in COLUMNS if name not in dialogues.columns]
        if missing:
            raise ColumnError(f"dialogues have no column {missing[0]!r}; they need {', '.join(COLUMNS)}")
        past = dialogues.select(pl.col(name).cast(pl.String) for name in COLUMNS).drop_nulls()
        counts = past["intent"].value_counts()
        if len(counts) < 2 or counts["count"].min() < 2:  # type: ignore[operator]
            raise TooLittleDataError("support needs two intents with two past questions each at least")
        self._past = past
        self.intents = tuple(past["intent"].unique().sort())
        place = {name: number for number, name in enumerate(self.intents)}
        truth = np.array([place[name] for name in past["intent"]])
        questions = past["question"].to_list()
        if self.encoder is not None:
            self._middle = encoded(self.encoder, [fold(question) for question in questions]).mean(axis=0)
        self._spelled, self._meant = self._read(questions)
        rows = self._rows(self._spelled, self._meant)
        fewest = int(counts["count"].min())  # type: ignore[arg-type]
        # Questions that are almost the same stay together, or each would be foreseen from its twin.
        folds = _alike_together(self._alike(self._spelled, self._meant), truth, min(self.config.folds, fewest))
        said = np.zeros((len(truth), len(self.intents)), dtype=np.float32)
        for fold_number in np.unique(folds):
            own = folds == fold_number
            said[own] = fitted(rows[~own], truth[~own], self.config.softness)(rows[own])
        self.threshold = _threshold(said.max(axis=1), said.argmax(axis=1) == truth, self.config.risk)
        self._linear = fitted(rows, truth, self.config.softness)
        return self

    def answer(self, question: str, *, k: int = 5, lang: Lang | None = None) -> SupportAnswer:
        """The reply to a question, or what a search for it finds.

        Args:
            question: in any words.
            k: how many items a search finds.
            lang: of the strategy; that of the question if absent.

        Raises:
            NotFittedError: before `fit` or `load`.
        """
        lang = lang or written_language(question)
        if not fold(question).strip():
            return SupportAnswer("", 0.0, None, EMPTY(lang))
        said, likeness = self._judged([question])
        best = int(said[0].argmax())
        share, intent = float(said[0, best]), self.intents[best]
        if share < self.threshold:
            found = self.searcher.search(question, k, lang=lang) if self.searcher is not None else None
            phrase = UNSURE if found is not None else NO_SEARCH
            return SupportAnswer(intent, share, None, phrase(lang, intent=intent, share=share), found=found)
        row = int(self._best(said, likeness)[0])
        asked, reply = self._past["question"][row], self._past["reply"][row]
        evidence = (Evidence(share=1.0, text=asked, source=KIND),)
        return SupportAnswer(
            intent, share, reply, SURE(lang, intent=intent, share=share, question=asked), evidence=evidence
        )

    def evaluate(self, dialogues: pl.DataFrame) -> SupportQuality:
        """How good the answers are to dialogues that were not learned from."""
        said, likeness = self._judged(dialogues["question"].to_list())
        guessed = np.array(self.intents)[said.argmax(axis=1)]
        replies = self._past["reply"].gather(self._best(said, likeness)).to_numpy()
        right = replies == dialogues["reply"].to_numpy()
        sure = said.max(axis=1) >= self.threshold
        return SupportQuality(
            questions=len(dialogues),
            intent_accuracy=float((guessed == dialogues["intent"].to_numpy()).mean()),
            recall_at_1=float(right.mean()),
            answered=float(sure.mean()),
            answered_recall_at_1=float(right[sure].mean()) if sure.any() else 0.0,
        )

    def _judged(self, questions: Sequence[str]) -> tuple[Floats, Floats]:
        """(questions, intents) probabilities, and (questions, past questions) how alike they are."""
        if self._linear is None:
            raise NotFittedError("support has learned nothing yet; call fit or load first")
        spelled, meant = self._read(questions)
        return self._linear(self._rows(spelled, meant)), self._alike(spelled, meant)

    def _alike(self, spelled: sp.csr_matrix, meant: Floats) -> Floats:
        """(questions, past questions) how alike they are in spelling and, with an encoder, in meaning."""
        alike = np.asarray((spelled @ self._spelled.T).todense(), dtype=np.float32)
        if self.encoder is None:
            return alike
        part = self.config.spelling
        return np.asarray(part * alike + (1 - part) * (meant @ self._meant.T), dtype=np.float32)

    def _best(self, said: Floats, likeness: Floats) -> Rows:
        """(questions,) the past question whose reply is given: the likest, of an intent that is likely too."""
        place = {name: number for number, name in enumerate(self.intents)}
        of_intent = np.array([place[name] for name in self._past["intent"]])
        return np.asarray((likeness * said[:, of_intent]).argmax(axis=1))

    def _read(self, questions: Sequence[str]) -> tuple[sp.csr_matrix, Floats]:
        from sklearn.feature_extraction.text import HashingVectorizer

        folded = [fold(question) for question in questions]
        spelled = HashingVectorizer(
            analyzer="char", ngram_range=self.config.grams, n_features=self.config.width, alternate_sign=False
        ).transform(folded)
        meant = np.zeros((len(folded), 0), dtype=np.float32)
        if self.encoder is not None:
            meant = unit_rows(encoded(self.encoder, folded) - self._middle)
        return sp.csr_matrix(spelled, dtype=np.float32), meant

    def _rows(self, spelled: sp.csr_matrix, meant: Floats) -> sp.csr_matrix:
        return (
            sp.csr_matrix(sp.hstack([spelled, sp.csr_matrix(self.config.meaning * meant)]))
            if meant.shape[1]
            else spelled
        )

    def save(self, folder: Path | str) -> None:
        """Write the dialogues and what was learned from them; the encoder and the searcher are not written.

        Raises:
            NotFittedError: there is nothing to write.
        """
        if self._linear is None:
            raise NotFittedError("support has learned nothing yet; call fit first")
        save_artifact(
            Path(folder),
            KIND,
            arrays={**self._linear.arrays(), "meant": self._meant, "middle": self._middle},
            matrices={"spelled": self._spelled},
            meta={
                "config": self.config.model_dump(mode="json"),
                "intents": list(self.intents),
                "threshold": self.threshold,
                "past": {name: self._past[name].to_list() for name in COLUMNS},
                "encoder": self.encoder.name if self.encoder is not None else None,
            },
        )

    @classmethod
    def load(cls, folder: Path | str, *, encoder: Encoder | None = None, searcher: Searcher | None = None) -> "Support":
        """Read back what `save` wrote; answers are identical.

        Raises:
            NotFittedError: it was learned with an encoder, and none or another one is given.
        """
        artifact = load_artifact(Path(folder), KIND)
        found = cls(SupportConfig.model_validate(artifact.meta["config"]), encoder=encoder, searcher=searcher)
        named = found.encoder.name if found.encoder is not None else None
        if named != artifact.meta["encoder"]:
            raise NotFittedError(
                f"{folder} was learned with the encoder {artifact.meta['encoder']!r} and {named!r} was given; hand in "
                "the same"
            )
        found.intents, found.threshold = tuple(artifact.meta["intents"]), artifact.meta["threshold"]
        found._past = pl.DataFrame(artifact.meta["past"], schema=dict.fromkeys(COLUMNS, pl.String))
        found._linear = Linear(artifact.arrays["weights"], artifact.arrays["bias"])
        found._middle = artifact.arrays["middle"]
        found._spelled, found._meant = artifact.matrices["spelled"], artifact.arrays["meant"]
        return found


def _alike_together(alike: Floats, truth: Rows, folds: int, *, near: float = 0.7) -> Rows:
    """(questions,) a fold for each, those of an intent that are near one another in the same; sizes about even.

    Args:
        alike: (questions, questions) how alike they are.
        truth: (questions,) their intents.
        folds: how many.
        near: from which likeness on two questions are almost the same.

    >>> _alike_together(np.array([[1, 0.9, 0.1, 0], [0.9, 1, 0, 0], [0.1, 0, 1, 0.2], [0, 0, 0.2, 1]]),
    ...     np.array([0, 0, 0, 0]), 2).tolist()
    [0, 0, 1, 1]
    """
    from scipy.sparse.csgraph import connected_components

    same = (alike >= near) & (truth[:, None] == truth[None])
    _, group = connected_components(sp.csr_matrix(same), directed=False)
    fold = np.zeros(len(truth), dtype=np.int64)
    for intent in np.unique(truth):
        sizes = np.zeros(folds, dtype=np.int64)
        own = np.flatnonzero(truth == intent)
        groups, counts = np.unique(group[own], return_counts=True)
        if len(groups) == 1:
            # All alike: there is no telling them apart, and none would be left to learn from.
            fold[own] = np.arange(len(own)) % folds
            continue
        for which in np.argsort(-counts, kind="stable"):
            emptiest = int(sizes.argmin())
            fold[own[group[own] == groups[which]]] = emptiest
            sizes[emptiest] += counts[which]
    return fold


def _threshold(confidence: Floats, right: np.ndarray, risk: float) -> float:
    """The least confidence above which no more than a share `risk` of answers is wrong.

    >>> round(_threshold(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), 0.3), 2)
    0.6
    >>> round(_threshold(np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, True, False, True]), 0.1), 2)
    0.8
    """
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(wrong <= risk)
    if not len(allowed):
        return float(np.nextafter(confidence.max(initial=1.0), 2))
    return float(confidence[order[allowed[-1]]])
