"""The policy: from scores to the list that is shown, by the shop's rules, by difference, and with room for the new."""

import logging
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.recommend import arrangement as words
from penchant.recommend.arrangement import Arrangement, Note, Slot
from penchant.recommend.business import Boost, Bury, BusinessRules, Cap, Exclude, Pin
from penchant.recommend.caps import Caps
from penchant.recommend.diversity import DiversityConfig, category_features, spread
from penchant.recommend.draft import Draft
from penchant.recommend.exploration import ExplorationConfig, Explorer
from penchant.vectors import Floats, Rows, top_k

log = logging.getLogger(__name__)

ACRONYMS: Final = {"mmr": "MMR", "dpp": "DPP"}
_OF_ITEMS: Final = ("strangers", "excluded", "lifts", "_pins", "_caps", "_features")
"""What follows from rules and items alone, whatever the events."""


class PolicyConfig(BaseModel):
    """What happens between scores and the list shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules_file: str | None = Field(default=None, min_length=1)
    """A YAML file of business rules; beside `penchant.toml` unless a full path. A change of it needs no build."""
    diversity: DiversityConfig = DiversityConfig()
    """How far the items of a list are made to differ."""
    exploration: ExplorationConfig = ExplorationConfig()
    """Places that try new items."""

    home: Path | None = Field(default=None, exclude=True)
    """The folder that both files start from, never saved: the workspace's own, or where the program runs if absent."""

    @property
    def is_active(self) -> bool:
        """Whether anything is done at all; else lists are in the order of scores."""
        return self.rules_file is not None or self.diversity.method != "none" or self.exploration.slots > 0

    @property
    def log_path(self) -> Path | None:
        """Where lists and their propensities are logged; None where they are not."""
        return (self.home or Path()) / self.exploration.log if self.exploration.log else None

    def rules(self) -> BusinessRules:
        """The rules of the file, none where there is no file.

        Raises:
            ConfigError: the file cannot be read or holds a mistake.
        """
        return BusinessRules.read((self.home or Path()) / self.rules_file) if self.rules_file else BusinessRules()


@dataclass(frozen=True, eq=False)
class Policy:
    """The rules, features and counts of one community, ready to arrange lists.

    Places are decided in this order: pins, then places that try new items, then the rest from the first on, each time
    the item worth most beside what the list holds. Caps count all of them, and only a pin goes beyond one.
    """

    config: PolicyConfig
    community: Community
    rules: BusinessRules
    vectors: Floats | None = None
    """(items, width) vectors of the items' texts, of unit length; None where no encoder has read them."""

    def __post_init__(self) -> None:
        if self.config.diversity.over == "text" and self.config.diversity.method != "none" and self.vectors is None:
            raise ConfigError(
                "diversity over texts needs the source `text`, and this recommender was trained without an encoder; "
                'train it with one, or set over = "categories"'
            )

    @classmethod
    def of(cls, config: PolicyConfig, community: Community, vectors: Floats | None = None) -> "Policy":
        """A policy with the rules of the configuration's file; what they name and no item has is logged as a warning.

        Raises:
            ConfigError: the file cannot be read or holds a mistake, or there are no texts to differ in.
        """
        policy = cls(config, community, config.rules(), vectors)
        for stranger in policy.strangers:
            log.warning("%s; the rule does nothing there", stranger)
        return policy

    def on(self, community: Community) -> "Policy":
        """The same policy over a community with the same items, such as one with newer events.

        The rules are not read anew, and where the table of items is the same one, nothing about it is worked out anew.
        """
        other = replace(self, community=community)
        kept = _OF_ITEMS if community.items is self.community.items else ()
        other.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        # One generator goes on through all of them: a new one would draw the same each time.
        other.__dict__["_rng"] = self._rng
        return other

    @cached_property
    def strangers(self) -> tuple[str, ...]:
        """What rules name and no item has, with file and line; items come and go, so this is no error."""
        return tuple(
            f"{self.rules.where(number)}: {stranger}"
            for number, rule in enumerate(self.rules.rules)
            if rule.items is not None
            for stranger in rule.items.strangers(self.community)
        )

    @cached_property
    def excluded(self) -> NDArray[np.bool_]:
        """(items,) True where a rule excludes an item for everyone."""
        return self.rules.excluded(self.community)

    @property
    def keeps_candidates(self) -> bool:
        """Whether only the best items by score can come into a list: nothing pins, boosts, caps or tries others."""
        return not self.config.exploration.slots and all(isinstance(rule, Exclude) for rule in self.rules.rules)

    @cached_property
    def lifts(self) -> Floats:
        """(items,) what boosts add and buries take off, in standard deviations of a member's scores."""
        total = np.zeros(len(self.community.items), dtype=np.float32)
        for rule in self.rules.rules:
            if isinstance(rule, Boost | Bury):
                total[rule.items.mask(self.community)] += rule.by if isinstance(rule, Boost) else -rule.by
        return total

    @cached_property
    def _pins(self) -> list[tuple[int, NDArray[np.bool_]]]:
        """Place, counted from 0, and the items of which the best stands there; in order of place."""
        pins = [rule for rule in self.rules.rules if isinstance(rule, Pin)]
        return [(pin.at - 1, pin.items.mask(self.community)) for pin in sorted(pins, key=lambda pin: pin.at)]

    @cached_property
    def _caps(self) -> Caps:
        return Caps.of([rule for rule in self.rules.rules if isinstance(rule, Cap)], self.community)

    @cached_property
    def _features(self) -> Floats | sp.csr_matrix | None:
        if self.config.diversity.method == "none":
            return None
        if self.vectors is not None and self.config.diversity.over != "categories":
            return self.vectors
        features = category_features(self.community)
        return features if features.nnz else None

    @cached_property
    def _explorer(self) -> Explorer:
        return Explorer.of(self.community, self.config.exploration)

    @cached_property
    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.config.exploration.seed)

    def apply(self, scores: Floats, barred: NDArray[np.bool_], k: int, *, explore: bool = True) -> Arrangement:
        """The list to show one person.

        Args:
            scores: (items,) theirs, of all items.
            barred: (items,) True where they may not be shown an item.
            k: length of the list; fewer come back where fewer may be shown.
            explore: try new items, where the configuration says so; a ranking to be judged does not.
        """
        barred = barred | self.excluded
        if not self.config.is_active:
            picked = self._top(scores[None], barred[None], k)[0]
            return Arrangement(tuple(Slot(item, "score") for item in picked[picked >= 0].tolist()))
        tie_rank = self.community.item_ids.id_rank
        draft = Draft(scores, barred, self.lifts, self._caps.start(), min(k, len(scores)), tie_rank)
        unpinned = self._pin(draft)
        untried = explore and self._explore(draft)
        self._fill(draft)
        slots = tuple(draft.taken[place] for place in sorted(draft.taken))
        notes = [*self._rule_notes(draft, unpinned), *self._choice_notes(slots, untried)]
        if len(slots) < k:
            tight = len(slots) < draft.k and bool(draft.free.any())
            notes.append(_note(words.CAPS_TOO_TIGHT if tight else words.NO_MORE, n=len(slots), k=k))
        return Arrangement(slots, tuple(notes))

    def rank(self, scores: Floats, barred: NDArray[np.bool_], k: int) -> Rows:
        """(members, min(k, items)) item rows of several lists, -1 where nothing is left; nothing is tried in them.

        Args:
            scores: (members, items).
            barred: (members, items) True where a member may not be shown an item.
            k: length of the lists.
        """
        if not self.config.is_active:
            return self._top(scores, barred, k)
        lists = np.full((len(scores), min(k, scores.shape[1])), -1, dtype=np.int64)
        for row, (theirs, shut) in enumerate(zip(scores, barred, strict=True)):
            items = self.apply(theirs, shut, k, explore=False).items
            lists[row, : len(items)] = items
        return lists

    def _top(self, scores: Floats, barred: NDArray[np.bool_], k: int) -> Rows:
        return top_k(np.where(barred, np.float32(-np.inf), scores), k, tie_rank=self.community.item_ids.id_rank)

    def _pin(self, draft: Draft) -> int:
        """Fill the pinned places; how many pins found no item that may be shown."""
        unpinned = 0
        for place, meant in self._pins:
            if place >= draft.k:
                continue
            best = draft.best(meant & draft.free, 1)
            if len(best):
                draft.take(Slot(int(best[0]), "pin"), place)
            else:
                unpinned += 1
        return unpinned

    def _explore(self, draft: Draft) -> bool:
        """Fill the places that try new items; True where there was such a place and no such item."""
        if not self.config.exploration.slots:
            return False
        for place in self._explorer.places(draft.k, draft.empty_places):
            may = draft.best(draft.open & self._explorer.new, self.config.exploration.among)
            if not len(may):
                return True
            chances = self._explorer.chances(may)
            drawn = int(self._rng.choice(len(may), p=chances))
            draft.take(Slot(int(may[drawn]), "thompson", float(chances[drawn])), place)
        return False

    def _fill(self, draft: Draft) -> None:
        """Fill the other places from the first on, each with the item worth most beside what the list holds."""
        held = draft.held
        pool = np.concatenate([held, draft.best(draft.open, max(self.config.diversity.pool, draft.k))])
        if not len(pool):
            return
        features = None if self._features is None else self._features[pool]
        chooser = spread(self.config.diversity, draft.lifted[pool], features)
        for candidate in range(len(held)):
            chooser.take(candidate)
        for place in draft.empty_places:
            values = np.where(draft.free[pool] & draft.counted.open[pool], chooser.values(), -np.inf)
            candidate = int(values.argmax())
            if not np.isneginf(values[candidate]):
                chooser.take(candidate)
                draft.take(Slot(int(pool[candidate]), "score"), place)
                continue
            # Caps have shut the pool; beyond it, the next by score.
            further = draft.best(draft.open, 1)
            if not len(further):
                return
            draft.take(Slot(int(further[0]), "score"), place)

    def _rule_notes(self, draft: Draft, unpinned: int) -> list[Note]:
        """What the rules did: of boosts those shown, of buries and caps those that would have stood in the list."""
        held = set(draft.held.tolist())
        uncapped = set(draft.best(draft.shown, draft.k).tolist())
        counts = [
            (words.PINNED, sum(slot.strategy == "pin" for slot in draft.taken.values())),
            (words.NOT_PINNED, unpinned),
            (words.BOOSTED, sum(bool(self.lifts[item] > 0) for item in held)),
            (words.BURIED, sum(bool(self.lifts[item] < 0) for item in draft.plain())),
            (words.EXCLUDED, int(self.excluded.sum())),
            (words.HELD_BACK, sum(not draft.counted.open[item] for item in uncapped - held)),
        ]
        return [_note(phrase, n=count) for phrase, count in counts if count]

    def _choice_notes(self, slots: tuple[Slot, ...], untried: bool) -> list[Note]:
        notes = []
        diversity = self.config.diversity
        if diversity.method != "none" and self._features is None:
            notes.append(_note(words.NOT_SPREAD))
        elif diversity.method != "none":
            over = words.OVER["text" if self._features is self.vectors else "categories"]
            method = ACRONYMS[diversity.method]
            notes.append(_note(words.SPREAD, method=method, over=over, trade_off=diversity.trade_off))
        tried = sum(slot.strategy == "thompson" for slot in slots)
        if tried:
            notes.append(_note(words.EXPLORED, n=tried))
        if untried and not tried:
            notes.append(_note(words.NOT_EXPLORED))
        return notes


def _note(phrase: Phrase, **fields: object) -> Note:
    return Note(phrase, tuple(fields.items()))
