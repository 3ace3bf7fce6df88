"""How members feel in what they write, for all systems: what tells it, from where, and a model that was tuned for it.

Interests know what praise and blame are; members, drift and recommendation take the outcome as a column of events.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from penchant.artifacts import MANIFEST
from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import with_felt
from penchant.errors import ConfigError, TooLittleDataError
from penchant.interests.beliefs import BeliefsConfig
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.sentiment import FEWEST, Sentiment, polarity, starred, written
from penchant.members.recipe import SentimentConfig
from penchant.text.encoder import Encoder
from penchant.text.tuning.config import FinetuneConfig
from penchant.training.options import Options

PRAISE: Final = "positive"
BLAME: Final = "negative"
_STARS: Final = (EventKind.RATE.value, EventKind.REVIEW.value)
_PRAISED: Final = 0.5
"""How far above, or below, the middle of the scale of stars a text is praise, or blame."""


def polar_texts(community: Community) -> LabelledTexts:
    """Texts of known polarity: by labels of praise or blame; where no text has one, by the stars given with it.

    Raises:
        TooLittleDataError: there are fewer than five of either.

    >>> from datetime import datetime
    >>> events = pl.DataFrame({"member_id": "m", "item_id": "p", "kind": "review", "amount": [1.0, 3.0, 5.0] * 5,
    ...     "text": [f"{word} {turn}" for turn in range(5) for word in ("bad", "so so", "fine")],
    ...     "at": datetime(2026, 1, 1)})
    >>> shop = Community.from_tables(pl.DataFrame({"item_id": ["p"], "title": ["Kettle"]}), events)
    >>> len(polar_texts(shop)), sorted(polar_texts(shop).labels)
    (10, ['negative', 'positive'])
    """
    found = _labelled(community) or _starred(community)
    count = {name: [label for _, label in found].count(name) for name in (PRAISE, BLAME)}
    if min(count.values()) < FEWEST:
        raise TooLittleDataError(
            f"{count[PRAISE]} texts of praise and {count[BLAME]} of blame were found; {FEWEST} of each are wanted: "
            "label texts as positive and negative (正面, 负面), or read in reviews with their stars"
        )
    texts, labels = zip(*found, strict=True)
    return LabelledTexts.of(texts, labels)


def teach(
    known: LabelledTexts,
    encoder: Encoder | None,
    *,
    tuned: FinetuneConfig | None = None,
    options: Options | None = None,
) -> Sentiment:
    """A model that tells praise from blame: the language model tuned for it, its vectors, and spelling, blended.

    Args:
        known: texts of known polarity, from `polar_texts`.
        encoder: the language model; None learns from spelling alone.
        tuned: how the language model is tuned; None leaves it as it is.
        options: seed, precision, progress.
    """
    config = LabellerConfig(
        names=False, meaning=encoder is not None, tuned=tuned, exclusive=True, beliefs=BeliefsConfig(rounds=0)
    )
    return Sentiment(None, Labeller(config).fit(known, options or Options(), encoder=encoder))


def sentiment_model(config: SentimentConfig, home: Path) -> Path | None:
    """The folder of the model that settings name, from a workspace on; None where they name none.

    Raises:
        ConfigError: there is no model in it.
    """
    if config.model is None:
        return None
    folder = home / config.model
    if not (folder / MANIFEST).is_file():
        raise ConfigError(
            f"[members.sentiment] names {folder}, which holds no model; write one with "
            f"penchant members sentiment --to {folder}"
        )
    return folder


def felt(community: Community, own: Sentiment | None, config: SentimentConfig, home: Path) -> Community:
    """The community whose events say how members felt in what they wrote; itself where nothing tells that.

    Args:
        community: whose texts.
        own: what the community itself teaches, from its interests.
        config: whether stars count, and which model reads the words.
        home: the folder that the model's is within.

    Raises:
        ConfigError: there is no model where settings name one.
    """
    folder = sentiment_model(config, home)
    words = Sentiment.load(folder).words if folder is not None else own.words if own is not None else None
    teller = Sentiment(own.stars if own is not None and config.stars else None, words)
    rows = written(community.events).arg_true()
    if folder is not None:
        # Stars tell without a word being read, however old they are.
        rated = starred(community.events).gather(rows) & (teller.stars is not None)
        read = rows.filter(~rated)
        read = read.filter(_latest(community.events["text"].gather(read), config.texts))
        rows = pl.concat([rows.filter(rated), read]).sort()
    if not len(rows):
        return community
    told = teller.of(replace(community, events=community.events[rows.to_list()]))
    if told is None:
        return community
    values = np.full(len(community.events), np.nan, dtype=np.float32)
    values[rows.to_numpy()] = told
    return with_felt(community, values)


def _latest(texts: pl.Series, most: int) -> pl.Series:
    """(texts,) whether each is among so many different ones, counted from the end."""
    kept = (
        texts.unique(maintain_order=True) if texts.n_unique() <= most else texts.reverse().unique(maintain_order=True)
    )
    return texts.is_in(kept.head(most).implode())


def _labelled(community: Community) -> list[tuple[str, str]]:
    found = []
    for text, labels, split in community.labels.select("text", "labels", "split").iter_rows():
        signs = {polarity(label) for label in labels or []} - {0}
        if text and text.strip() and len(signs) == 1 and split != "test":
            found.append((text, PRAISE if signs == {1} else BLAME))
    return found


def _starred(community: Community) -> list[tuple[str, str]]:
    events = community.events.filter(
        pl.col("kind").cast(pl.String).is_in(_STARS) & pl.col("amount").is_finite() & pl.col("text").is_not_null()
    )
    if not len(events):
        return []
    fewest, most = float(events["amount"].min()), float(events["amount"].max())  # type: ignore[arg-type]
    found = []
    for text, stars in events.select("text", "amount").iter_rows():
        place = 2 * (stars - fewest) / max(most - fewest, 1e-9) - 1
        if text.strip() and abs(place) >= _PRAISED:
            found.append((text, PRAISE if place > 0 else BLAME))
    return found
