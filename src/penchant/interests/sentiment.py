"""How much members liked what they did: from the stars they gave, and from the words they wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.data.columns import PATH_SEPARATOR, EventKind
from penchant.data.community import Community
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.taxonomy import normal_path
from penchant.training.options import Options
from penchant.vectors import Floats

POLARITY: Final = {
    **dict.fromkeys(("positive", "pos", "praise", "正面", "好评", "积极", "正向"), 1),
    **dict.fromkeys(("negative", "neg", "complaint", "负面", "差评", "消极", "负向"), -1),
}
"""Labels, or last levels of paths, that say how a text feels about its subject and not what the subject is."""

FEWEST: Final = 5
"""Texts of each polarity below which words teach no feeling."""

KIND: Final = "sentiment"
_WORDS: Final = "words"
_RATED: Final = (EventKind.RATE.value, EventKind.REVIEW.value)
"""Kinds whose amount is a number of stars."""


def polarity(label: str) -> int:
    """1 for a label of praise, -1 for one of blame, 0 for a subject.

    >>> polarity("水果 > 正面"), polarity("Negative"), polarity("水果")
    (1, -1, 0)
    """
    return POLARITY.get(normal_path(label).split(PATH_SEPARATOR)[-1].casefold(), 0)


def subject(label: str) -> str | None:
    """A label without its polarity; None where nothing is left.

    >>> subject("水果 > 正面"), subject("positive"), subject("水果")
    ('水果', None, '水果')
    """
    path = normal_path(label)
    if not polarity(path):
        return path
    return path.rpartition(PATH_SEPARATOR)[0] or None


def with_subjects(community: Community) -> Community:
    """The community with the labels of feelings taken out of its labels table, and rows that had no others."""
    labels = community.labels
    given = [
        [kept for label in row or [] if (kept := subject(label)) is not None] for row in labels["labels"].to_list()
    ]
    # A text that was given no label at all is known to have none; one that was given a feeling alone is not.
    silent = [not left and bool(row) for left, row in zip(given, labels["labels"].to_list(), strict=True)]
    stripped = labels.with_columns(pl.Series("labels", given, dtype=labels.schema["labels"]))
    return replace(community, labels=stripped.filter(~pl.Series(silent, dtype=pl.Boolean)))


@dataclass(frozen=True, eq=False)
class Sentiment:
    """How much members liked what they did, as one community tells it.

    Stars are read on the scale from the fewest to the most that anybody gave. What was written without stars is read by
    the spelling of texts whose polarity is known, which takes seconds and no language model: it needs labels such as
    "positive" and "negative" (or "正面" and "负面") for `FEWEST` texts each.

    >>> from datetime import datetime
    >>> shop = Community.from_tables(
    ...     items=pl.DataFrame({"item_id": ["p"], "title": ["Kettle"]}),
    ...     events=pl.DataFrame({"member_id": ["m"] * 3, "item_id": ["p"] * 3, "kind": ["view", "rate", "rate"],
    ...         "amount": [None, 1.0, 5.0], "at": [datetime(2026, 1, day) for day in (1, 2, 3)]}),
    ... )
    >>> Sentiment.fit(shop).of(shop).tolist()
    [nan, -1.0, 1.0]
    """

    stars: tuple[float, float] | None
    """The fewest and the most that anybody gave; None where nobody gave any, or all gave the same."""
    words: Labeller | None
    """Tells praise from blame; None where nothing was written, or too few texts of known polarity teach it."""

    @classmethod
    def fit(cls, community: Community, options: Options | None = None) -> "Sentiment":
        """Find the scale of the stars, and learn the spelling of praise and blame."""
        events = community.events
        given = events.filter(starred(events))["amount"]
        bounds = (float(given.min()), float(given.max())) if len(given) else (0.0, 0.0)  # type: ignore[arg-type]
        known = _feelings(community) if written(events).any() else None
        words = None
        if known is not None:
            words = Labeller(LabellerConfig(names=False, meaning=False)).fit(known, options or Options())
        return cls(bounds if bounds[0] < bounds[1] else None, words)

    def of(self, community: Community) -> Floats | None:
        """(events,) from -1 to 1 how an event's member felt; NaN where that is not known; None where nothing is."""
        events = community.events
        felt = np.full(len(events), np.nan, dtype=np.float32)
        if self.stars is not None:
            fewest, most = self.stars
            rated = starred(events).to_numpy()
            felt[rated] = (2 * (events["amount"].to_numpy()[rated] - fewest) / (most - fewest) - 1).clip(-1, 1)
        if self.words is not None:
            rows = np.flatnonzero(written(events).to_numpy() & np.isnan(felt))
            felt[rows] = _balance(self.words, events["text"].gather(rows).to_list())
        return None if np.isnan(felt).all() else felt

    def save(self, folder: Path) -> None:
        """Write it to a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        files = []
        if self.words is not None:
            self.words.save(folder / _WORDS)
            files.append(f"{_WORDS}/{MANIFEST}")
        save_artifact(folder, KIND, meta={"stars": self.stars}, files=files)

    @classmethod
    def load(cls, folder: Path) -> "Sentiment":
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        stars = load_artifact(folder, KIND).meta["stars"]
        words = Labeller.load(folder / _WORDS) if (folder / _WORDS).is_dir() else None
        return cls(tuple(stars) if stars else None, words)


def starred(events: pl.DataFrame) -> pl.Series:
    """(events,) whether the amount is a number of stars."""
    return events["kind"].cast(pl.String).is_in(_RATED) & events["amount"].is_not_null()


def written(events: pl.DataFrame) -> pl.Series:
    """(events,) whether somebody wrote how they like it; a search says what they want."""
    return events["text"].is_not_null() & (events["kind"].cast(pl.String) != EventKind.SEARCH.value)


def _balance(words: Labeller, texts: Sequence[str]) -> Floats:
    """(texts,) praise less blame, from -1 to 1; each distinct text is read once."""
    place = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    signs = np.array([polarity(label) for label in words.taxonomy.labels], dtype=np.float32)
    balance = (words.probabilities(list(place)) @ signs).clip(-1, 1)
    return balance[[place[text] for text in texts]]


def _feelings(community: Community) -> LabelledTexts | None:
    """Texts labelled with their polarity alone; None where there are too few."""
    texts, labels = [], []
    for text, given, split in community.labels.select("text", "labels", "split").iter_rows():
        signs = {polarity(label) for label in given or []} - {0}
        if text and text.strip() and len(signs) == 1 and split != "test":
            texts.append(text)
            labels.append("positive" if signs == {1} else "negative")
    if min(labels.count("positive"), labels.count("negative")) < FEWEST:
        return None
    return LabelledTexts.of(texts, labels)
