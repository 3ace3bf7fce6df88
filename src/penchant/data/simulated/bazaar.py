"""A simulated bazaar: a bilingual community whose every truth is planted and known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.data.folder import Form, write_folder
from penchant.data.simulated.answers import SimulatedAnswers, answers_of
from penchant.data.simulated.catalogue import draw_goods, item_ids, items_table, moments
from penchant.data.simulated.config import SimulatedConfig
from penchant.data.simulated.events import draw_events, mean_steps
from penchant.data.simulated.people import People, draw_people
from penchant.data.simulated.segments import AGE_BANDS, BUYER_KINDS
from penchant.data.simulated.texts import labelled
from penchant.data.simulated.ties import draw_ties
from penchant.data.simulated.visits import draw_visits
from penchant.errors import ConfigError

_SPLITS: Final = ("train", "dev", "test")


@dataclass(frozen=True, eq=False)
class Simulated:
    """A simulated community, and the truths planted in it."""

    community: Community
    answers: SimulatedAnswers

    def write(self, folder: Path | str, form: Form = "parquet") -> None:
        """Write a community folder: five tables in one form, and the answers in `answers/`.

        Raises:
            ConfigError: the form is not csv, jsonl or parquet.
            StorageError: the folder cannot be written.
        """
        if form not in get_args(Form):
            raise ConfigError(f"a community is written as {', '.join(get_args(Form))}; got {form!r}")
        write_folder(self.community, folder, form=form)
        self.answers.save(Path(folder) / "answers")


def simulate(config: SimulatedConfig | None = None) -> Simulated:
    """A bilingual bazaar: members, items, events of every kind, ties, reviews, and the answers beside them.

    Members belong to segments, from which they draw interests in tiers; they come in sessions, at the hours of their
    segment, look for what interests them, and choose among items by popularity, price and age. Some change their
    interests at a known time, some are not what they seem. All from the configuration's seed.

    >>> found = simulate(SimulatedConfig(events=2000, seed=1))
    >>> found.community
    Community(members=40, items=352, events=2000, ties=120, labels=470)
    """
    config = config or SimulatedConfig()
    streams = [np.random.default_rng(seed) for seed in np.random.SeedSequence(config.seed).spawn(6)]
    people = draw_people(config, streams[0])
    goods = draw_goods(config, streams[1])
    # Some events fall behind the last day, so a few more visits are drawn than the events call for.
    visits = draw_visits(config, people, goods, int(config.events / mean_steps() * 1.05) + 50, streams[2])
    events = draw_events(config, people, goods, visits, streams[3])
    ties = draw_ties(config, people, streams[4])
    members = _members_table(config, people, streams[5])
    items = items_table(config, goods, streams[5])
    labels = _labels_table(config, streams[5])
    member_ids, ids = members["member_id"], item_ids(goods)
    community = Community.from_tables(
        items,
        events.select(
            member_ids.gather(events["member"]).alias("member_id"),
            pl.when(events["item"] >= 0).then(ids.gather(events["item"].clip(0))).alias("item_id"),
            pl.exclude("member", "item"),
        ),
        members,
        ties.select(
            member_ids.gather(ties["member"]).alias("member_id"),
            member_ids.gather(ties["other"]).alias("other_id"),
            "kind",
            "at",
        ),
        labels,
    )
    return Simulated(community, answers_of(config, people, goods, member_ids, ids))


def _members_table(config: SimulatedConfig, people: People, rng: np.random.Generator) -> pl.DataFrame:
    """What the bazaar knows of its members; of some neither age band nor buyer kind."""
    count = len(people)
    known = rng.random(count) < config.attribute_known
    joined = np.where(people.joined > 0, people.joined, -rng.exponential(300, count))
    return pl.DataFrame(
        {
            "member_id": [f"m{row:06d}" for row in range(count)],
            "joined_at": moments(config, joined),
            "consent": rng.random(count) < 0.92,
            "private": rng.random(count) < 0.05,
            "age_band": [AGE_BANDS[age] if tell else None for age, tell in zip(people.age, known, strict=True)],
            "buyer_kind": [BUYER_KINDS[kind] if tell else None for kind, tell in zip(people.buyer, known, strict=True)],
        },
        schema_overrides={"age_band": pl.String, "buyer_kind": pl.String},
    )


def _labels_table(config: SimulatedConfig, rng: np.random.Generator) -> pl.DataFrame:
    """Texts with the interest they speak of."""
    languages = {"both": (0, 1), "zh": (0,), "en": (1,)}[config.language]
    # A text stands once, so that none is both learned from and judged on.
    texts = list(dict.fromkeys(labelled(config.labelled_texts, languages, rng)))
    split = rng.choice(_SPLITS, len(texts), p=[0.7, 0.15, 0.15])
    return pl.DataFrame(
        {"text": [text for text, _ in texts], "labels": [[path] for _, path in texts], "split": split.tolist()},
        schema={"text": pl.String, "labels": pl.List(pl.String), "split": pl.String},
    )
