"""The sources of an attribute: what is learned of members from items, texts, profiles and a tuned language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from penchant.errors import ConfigError
from penchant.members.activity import Activity
from penchant.members.heads import Linear, Trees
from penchant.text.encoder import Encoder
from penchant.text.finetune import TaskConfig, TunedModel, finetune
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.examples import Example
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from penchant.members.classifier import ClassifierConfig

_VIEWS: Final = (1, 1, 3, 5)
"""How many of a member's texts each view holds, from which single comments are learned."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Fits a model of each kind on some members, and asks it about others."""

    config: "ClassifierConfig"
    activity: Activity
    """What was read of the community."""
    classes: tuple[str, ...]
    encoder: Encoder
    options: Options

    def held_out(
        self, known: Rows, codes: Rows, texts: Sequence[str], parts: list[Rows]
    ) -> tuple[list[Floats], Floats, Rows]:
        """Each source's log-probabilities of members not fitted on; those of single texts, and their classes."""
        found: list[list[Floats]] = [[] for _ in self.config.used_sources]
        comments, comment_codes = [], []
        for part in parts:
            rest = np.setdiff1d(np.arange(len(known)), part)
            some = [texts[row] for row in rest] if texts else []
            heads = self.fitted(known[rest], codes[rest], some)
            asked = [texts[row] for row in part] if texts else []
            for place, (source, head) in enumerate(heads.items()):
                found[place].append(log_probabilities(source, head, self.activity, known[part], asked))
            head = self.comment_head(known[rest], codes[rest])
            view, whose = self._views(known[part], (1,))
            comments.append(head.log_probabilities(view))
            comment_codes.append(codes[part][whose])
        return [np.concatenate(each) for each in found], np.concatenate(comments), np.concatenate(comment_codes)

    def fitted(self, rows: Rows, codes: Rows, texts: Sequence[str]) -> dict[str, Any]:
        """A model of each source, by its name.

        Args:
            rows: members to learn from.
            codes: (members,) their classes.
            texts: their recent activity in words, where the language model is tuned.
        """
        activity, classes, heads = self.activity, len(self.classes), dict[str, Any]()
        for source in self.config.used_sources:
            if source == "items":
                penalty = self.config.item_penalty
                heads[source] = Linear.fit(activity.items[rows], codes, classes, penalty=penalty, scaled=False)
            elif source == "text":
                penalty = self.config.text_penalty
                heads[source] = Linear.fit(activity.text[rows], codes, classes, penalty=penalty, scaled=True)
            elif source == "profile":
                rounds, seed = self.config.rounds, self.options.seed
                heads[source] = Trees.fit(activity.profile[rows], codes, classes, rounds=rounds, seed=seed)
            else:
                heads[source] = self._tuned(texts, codes)
        return heads

    def _tuned(self, texts: Sequence[str], codes: Rows) -> TunedModel:
        assert self.config.tuning is not None
        task = TaskConfig(name="attribute", labels=self.classes)
        config = self.config.finetune.model_copy(update={"mode": self.config.tuning, "tasks": (task,)})
        examples = [Example(text, self.classes[code]) for text, code in zip(texts, codes.tolist(), strict=True)]
        return finetune(transformer_of(self.encoder), examples, config, self.options)

    def comment_head(self, rows: Rows, codes: Rows) -> Linear:
        """A model that reads single texts, learned from means of a few texts of each member."""
        view, whose = self._views(rows, _VIEWS)
        count = np.bincount(whose, minlength=len(rows))
        penalty = self.config.text_penalty
        return Linear.fit(view, codes[whose], len(self.classes), penalty=penalty, scaled=True, weights=1 / count[whose])

    def _views(self, rows: Rows, sizes: Sequence[int]) -> tuple[Floats, Rows]:
        """Means of a few random texts of each member, and whose each is, by place among the rows."""
        activity, rng = self.activity, np.random.default_rng(self.options.seed)
        order = np.argsort(activity.event_members, kind="stable")
        begins = np.searchsorted(activity.event_members[order], rows)
        ends = np.searchsorted(activity.event_members[order], rows, side="right")
        held = np.flatnonzero(ends > begins)
        views, whose = [], []
        for size in sizes:
            drawn = begins[held, None] + (rng.random((len(held), size)) * (ends - begins)[held, None]).astype(np.int64)
            views.append(activity.event_vectors[activity.event_rows[order[drawn]]].mean(axis=1))
            whose.append(held)
        return np.concatenate(views).astype(np.float32), np.concatenate(whose)


def log_probabilities(source: str, head: Any, activity: Activity, rows: Rows, texts: Sequence[str]) -> Floats:
    """(rows, classes) what one source says of some members."""
    if source == "tuned":
        return np.log(np.clip(head.predict(texts), 1e-6, 1))
    features = {"items": activity.items, "text": activity.text, "profile": activity.profile}[source]
    logs: Floats = head.log_probabilities(features[rows])
    return logs


def spread(codes: Rows, count: int, options: Options) -> list[Rows]:
    """Members in so many parts, each class spread over all."""
    rng = options.rng()
    place = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        mine = rng.permutation(np.flatnonzero(codes == code))
        place[mine] = (np.arange(len(mine)) + rng.integers(count)) % count
    return [np.flatnonzero(place == part) for part in range(count)]


def transformer_of(encoder: Encoder) -> TransformerEncoder:
    """The transformer itself, whatever keeps its vectors.

    Raises:
        ConfigError: the encoder is none.
    """
    inner = getattr(encoder, "encoder", encoder)
    if not isinstance(inner, TransformerEncoder):
        raise ConfigError(f"tuning needs a transformer, and {encoder.name} is none; leave tuning out")
    return inner
