"""Attributes of members from what they do and what they write: behaviour and language model, blended and calibrated."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.errors import ConfigError, InputError, NotFittedError, TooLittleDataError
from penchant.evaluation.classification import evaluate_classes
from penchant.members.activity import common_categories, rarities, read_activity, rendered
from penchant.members.attribute_answers import AttributeReport, Predictions, mean_auc, report_from
from penchant.members.attribute_sources import Sources, log_probabilities, spread, transformer_of
from penchant.members.attributes import SENSITIVE, Attribute, attribute_of, refuse_sensitive
from penchant.members.features import SHARE
from penchant.members.heads import Stack, conformal_threshold, load_heads, save_heads
from penchant.members.profiling import feature_names
from penchant.text.encoder import Encoder
from penchant.text.finetune import FinetuneConfig
from penchant.text.tuning.modes import Mode
from penchant.training.options import Options
from penchant.vectors import Floats, Rows

KIND: Final = "member-classifier"
_COMMENT: Final = "comment"
"""Name of the head that reads single texts, among those of the sources."""


class ClassifierConfig(BaseModel):
    """How an attribute is learned.

    >>> ClassifierConfig(bands=(25, 35)).tuning
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    bands: tuple[float, ...] | None = None
    """Edges of bands for an attribute that is a number."""
    sensitive: tuple[str, ...] = SENSITIVE
    """Attributes that are refused unless allowed by name."""
    allow_sensitive: tuple[str, ...] = ()
    """Sensitive attributes that may be predicted all the same."""
    sources: tuple[Literal["items", "text", "profile"], ...] = ("items", "text", "profile")
    """What is blended: which items, what they and the member's texts say, and the profile."""
    tuning: Mode | None = None
    """Fine-tune the language model on each member's recent activity rendered as text, in this mode, as a further
    source; None reads texts with the model as it is, in a hundredth of the time."""
    finetune: FinetuneConfig = FinetuneConfig()
    """How it is tuned; its tasks are the attribute's."""
    recent_events: PositiveInt = 40
    """Events of a member that are rendered as text."""
    folds: int = Field(default=4, ge=2)
    """Parts of the members that are held out in turn to find the blend, its calibration and its uncertainty."""
    item_penalty: PositiveFloat = 3.0
    """C of the logistic regression over items."""
    text_penalty: PositiveFloat = 0.02
    """C of the logistic regression over vectors of texts."""
    rounds: PositiveInt = 150
    """Trees over the profile."""
    coverage: float = Field(default=0.9, gt=0.5, lt=1)
    """How often the true class is among those that an answer names."""

    @property
    def used_sources(self) -> list[str]:
        """What is blended, a tuned language model last where there is one."""
        return [*self.sources, *(["tuned"] if self.tuning else [])]


class MemberClassifier:
    """Predicts one attribute, of members and of strangers with a single comment.

    Sources are fitted on their own; their blend, by a weight each and a bias for each class, maximises the likelihood
    of members that no source was fitted on, which calibrates it (stacking; Wolpert, 1992). What cannot be ruled out
    comes from the same members by split conformal prediction.

    Raises:
        NotFittedError: asked before `fit` or `load`.
    """

    def __init__(self, config: ClassifierConfig | None = None) -> None:
        self.config = config or ClassifierConfig()
        self.attribute: Attribute | None = None
        self.report: AttributeReport | None = None
        self.held_out: Floats | None = None
        """(judged members, classes) log-probabilities of members held out in turn; only after `fit`."""
        self.judged: Rows = np.empty(0, dtype=np.int64)
        """(judged members,) which of the members learned from they are."""

    def fit(
        self,
        community: Community,
        name: str,
        options: Options | None = None,
        *,
        encoder: Encoder,
        rows: Rows | None = None,
    ) -> "MemberClassifier":
        """Learn an attribute from the members who have it.

        Args:
            community: whose members table has a column of that name.
            name: the attribute.
            options: seed and run conditions.
            encoder: reads the texts; with `tuning`, of the transformer kind.
            rows: members to learn from; all by default.

        Raises:
            ConfigError: the attribute is sensitive and not allowed, or has too many values.
            ColumnError: members have no such attribute.
            TooLittleDataError: fewer than two classes have enough members.
        """
        options, config = options or Options(), self.config
        found = attribute_of(
            community, name, bands=config.bands, sensitive=config.sensitive, allowed=config.allow_sensitive
        )
        self.attribute = found
        known = found.known if rows is None else np.intersect1d(found.known, rows)
        codes = found.codes[known]
        smallest = np.bincount(codes, minlength=len(found.classes)).min()
        if smallest < 2:
            raise TooLittleDataError(f"a class of {name!r} has fewer than 2 members to learn from")
        # Of the members learned from alone, so that what others did tells nothing.
        own = community.with_events(community.events.filter(_of_members(known)))
        self.encoder, self.item_ids, self.rarity = encoder, community.item_ids.ids.to_list(), rarities(own)
        shares = [f"{SHARE}{category}" for category in common_categories(own)]
        self.features = feature_names(community, shares, tiered=False)
        activity = read_activity(community, encoder, self.item_ids, self.rarity, self.features)
        sources = Sources(config, activity, found.classes, encoder, options)
        texts = rendered(community, known, most=config.recent_events) if config.tuning else []
        parts = spread(codes, min(config.folds, int(smallest)), options)
        if config.tuning:
            # One part is enough to weigh a source that takes so long to fit.
            parts = parts[:1]
        held = np.concatenate(parts)
        logs, comments, comment_codes = sources.held_out(known, codes, texts, parts)
        self.shares = (np.bincount(codes, minlength=len(found.classes)) / len(codes)).astype(np.float32)
        self.stack = Stack.fit(logs, codes[held])
        blended = self.stack.blend(logs)
        self.least = conformal_threshold(blended, codes[held], config.coverage)
        self.comment_stack = Stack.fit([comments], comment_codes)
        calmed = self.comment_stack.blend([comments])
        self.comment_least = conformal_threshold(calmed, comment_codes, config.coverage)
        self.heads = sources.fitted(known, codes, texts)
        self.comment_head = sources.comment_head(known, codes)
        order = np.argsort(held)
        self.judged, self.held_out = held[order], blended[order]
        without = [place for place, source in enumerate(self.config.used_sources) if source not in ("text", "tuned")]
        silent = blended
        if without:
            silent = Stack.fit(kept := [logs[place] for place in without], codes[held]).blend(kept)
        self.report = AttributeReport(
            attribute=name,
            members=len(known),
            metrics=evaluate_classes(codes[held], blended.argmax(axis=1), found.classes),
            auc=mean_auc(codes[held], np.exp(blended)),
            without_language_model=mean_auc(codes[held], np.exp(silent)),
            coverage=float(np.mean(np.exp(blended)[np.arange(len(held)), codes[held]] >= self.least)),
            unsure=float(np.mean((np.exp(blended) >= self.least).sum(axis=1) != 1)),
            comment_accuracy=float(np.mean(calmed.argmax(axis=1) == comment_codes)),
            weights=dict(zip(self.config.used_sources, self.stack.weights, strict=True)),
            left_out=found.left_out,
        )
        return self

    def require_allowed(self, name: str) -> None:
        """Stop where an attribute is sensitive.

        Raises:
            ConfigError: the settings do not allow it by name.
        """
        refuse_sensitive(name, self.config.sensitive, self.config.allow_sensitive)

    def predict(self, community: Community, rows: Rows | None = None) -> Predictions:
        """The attribute of members, who need not have been there at the fit.

        Args:
            community: theirs.
            rows: whose; all by default.
        """
        found = self._require()
        rows = np.arange(len(community.members)) if rows is None else rows
        activity = read_activity(community, self.encoder, self.item_ids, self.rarity, self.features)
        texts = rendered(community, rows, most=self.config.recent_events) if "tuned" in self.config.used_sources else []
        logs = [log_probabilities(source, head, activity, rows, texts) for source, head in self.heads.items()]
        probabilities = np.exp(self.stack.blend(logs))
        # Of whom nothing is known, that they are like the others is all there is to say.
        probabilities[~activity.text[rows].any(axis=1)] = self.shares
        return Predictions(found.classes, probabilities, probabilities >= self.least)

    def read(self, texts: Sequence[str]) -> Predictions:
        """The attribute of strangers of whom one comment each is all that is known."""
        found = self._require()
        if any(not text.strip() for text in texts):
            raise InputError("an empty comment says nothing of who wrote it; leave it out")
        logs = self.comment_head.log_probabilities(self.encoder.encode(list(texts)))
        probabilities = np.exp(self.comment_stack.blend([logs]))
        return Predictions(found.classes, probabilities, probabilities >= self.comment_least)

    def save(self, folder: Path | str) -> None:
        """Write it to a folder; nothing of any one member is in it.

        Raises:
            StorageError: the folder cannot be written.
        """
        found, folder = self._require(), Path(folder)
        arrays, files = save_heads(folder, {**self.heads, _COMMENT: self.comment_head})
        arrays |= {"item_rarity": self.rarity, "shares": self.shares}
        meta = {
            "config": self.config.model_dump(mode="json"),
            "attribute": found.name,
            "classes": list(found.classes),
            "encoder": self.encoder.name,
            "items": self.item_ids,
            "features": list(self.features),
            "sources": self.config.used_sources,
            "stack": [list(self.stack.weights), list(self.stack.bias)],
            "comment_stack": [list(self.comment_stack.weights), list(self.comment_stack.bias)],
            "least": [self.least, self.comment_least],
            "report": asdict(self.report) if self.report else None,
        }
        save_artifact(folder, KIND, arrays=arrays, meta=meta, files=files)

    @classmethod
    def load(cls, folder: Path | str, *, encoder: Encoder) -> "MemberClassifier":
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
            ConfigError: the encoder is another than it was fitted with.
        """
        folder = Path(folder)
        saved = load_artifact(folder, KIND)
        meta = saved.meta
        if encoder.name != meta["encoder"]:
            raise ConfigError(f"the classifier was fitted with {meta['encoder']}, and the encoder is {encoder.name}")
        model = cls(ClassifierConfig.model_validate(meta["config"]))
        model.attribute = Attribute(meta["attribute"], tuple(meta["classes"]), np.empty(0, dtype=np.int64))
        model.encoder, model.item_ids, model.rarity = encoder, meta["items"], saved.arrays["item_rarity"]
        model.shares = saved.arrays["shares"]
        model.features = tuple(meta["features"])
        model.stack, model.comment_stack = (Stack(*map(tuple, meta[name])) for name in ("stack", "comment_stack"))
        model.least, model.comment_least = meta["least"]
        model.report = report_from(meta["report"])

        tuned = transformer_of(encoder) if "tuned" in meta["sources"] else None
        heads = load_heads(folder, [*meta["sources"], _COMMENT], saved.arrays, len(meta["classes"]), tuned)
        model.comment_head = heads.pop(_COMMENT)
        model.heads = heads
        return model

    # -- inside --

    heads: dict[str, Any]
    encoder: Encoder

    def _require(self) -> Attribute:
        if self.attribute is None:
            raise NotFittedError("the classifier was not fitted; call `fit` first, or `load` one")
        return self.attribute


def _of_members(rows: Rows) -> pl.Expr:
    return pl.col("member").is_in(pl.Series(rows, dtype=pl.UInt32).implode())
