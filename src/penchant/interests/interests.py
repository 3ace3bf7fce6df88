"""All that is known of a community's interests: the tree, what each item is about, and every member's tiers."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import polars as pl
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict, PositiveInt

from penchant.artifacts import MANIFEST, load_artifact, save_artifact
from penchant.data.community import Community
from penchant.data.drift import DriftVerdict
from penchant.data.strata import MemberInterests, Strata
from penchant.errors import NotFittedError
from penchant.interests.discovery import Discovery, DiscoveryConfig
from penchant.interests.fitted import Fitted
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.sentiment import Sentiment
from penchant.interests.strata import StrataConfig, Stratifier
from penchant.interests.taxonomy import Taxonomy
from penchant.language import Lang, Phrase
from penchant.training.options import Options

if TYPE_CHECKING:
    from penchant.text.encoder import Encoder

KIND: Final = "interests"
SourceName = Literal["labels", "categories", "discovered"]
"""Where labels come from: the labels table, the items' own categories, or subjects found in the items' texts."""

_STRATA: Final = "strata"
_STRATIFIER: Final = "stratifier"
_SENTIMENT: Final = "sentiment"
_LABELLER: Final = "labeller"
_DISCOVERY: Final = "discovery"

_SOURCES: Final[dict[SourceName, Phrase]] = {
    "labels": Phrase(
        "Labels come from the labels table, whose {taught:,} texts taught a labeller",
        "标签来自标签表，其中 {taught:,} 条文本训练出标注模型",
    ),
    "categories": Phrase("Labels are the items' own categories", "标签即物品自带的类目"),
    "discovered": Phrase("Labels are subjects found in the items' texts", "标签是从物品文本中发现的主题"),
}
_ASKED: Final = Phrase(", as the settings say. ", "（按设置选定）。")
_REASONS: Final[dict[SourceName, Phrase]] = {
    "labels": Phrase(", since there are labelled texts. ", "（因为有已标注的文本）。"),
    "categories": Phrase(
        ", since no text is labelled and items have categories. ", "（因为没有已标注的文本，而物品带有类目）。"
    ),
    "discovered": Phrase(
        ", since no text is labelled and no item has a category. ", "（因为既没有已标注的文本，物品也没有类目）。"
    ),
}
_COUNTS: Final[dict[SourceName, Phrase]] = {
    "labels": Phrase(
        "Of {items:,} items {known:,} have labels of their own; the labeller labelled {labelled:,}.",
        "{items:,} 件物品中，{known:,} 件自带标签，{labelled:,} 件由标注模型标注。",
    ),
    "categories": Phrase("Of {items:,} items {known:,} have one.", "{items:,} 件物品中有 {known:,} 件带有类目。"),
    "discovered": Phrase(
        "Of {items:,} items {labelled:,} belong to one.", "{items:,} 件物品中有 {labelled:,} 件属于某个主题。"
    ),
}
_TAUGHT: Final = Phrase(
    " A labeller, taught by {taught:,} of these, labelled {labelled:,} others.",
    "由其中 {taught:,} 件训练出的标注模型标注了另外 {labelled:,} 件。",
)


class InterestsConfig(BaseModel):
    """Where labels come from, how texts get them, and how they become tiers.

    >>> InterestsConfig(source="categories").strata.core_share
    0.1
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["auto", "labels", "categories", "discovered"] = "auto"
    """`auto` takes the labels table where it has rows to learn from, else the items' categories, else what is found in
    the items' texts."""
    labeller: LabellerConfig = LabellerConfig()
    """How texts without a known label get one."""
    teachers: PositiveInt = 2_000
    """With the sources `categories` and `discovered`, at most so many items teach a labeller; fewer where few items are
    without a category, and none where none is."""
    sentiment: bool = True
    """Weigh what members did by the stars they gave, and by what they wrote where labels tell praise from blame."""
    strata: StrataConfig = StrataConfig()
    """The rules of the tiers."""
    discovery: DiscoveryConfig = DiscoveryConfig()
    """How subjects are found in texts."""


@dataclass(frozen=True)
class LabelSource:
    """Where the labels came from, and why from there."""

    name: SourceName
    chosen: bool
    """Whether the settings named it; else it was the first that the community has."""
    items: int
    known: int
    """Items whose labels were given: by their categories, or by name in the labels table."""
    labelled: int
    """Items whose labels were told from their texts."""
    taught: int
    """Texts that taught the labeller; 0 where there is none."""
    felt: int = 0
    """Events weighed by how their member felt."""

    def why(self, lang: Lang = "en") -> str:
        """Two sentences for people.

        >>> LabelSource("categories", chosen=True, items=9, known=9, labelled=0, taught=0).why()
        "Labels are the items' own categories, as the settings say. Of 9 items 9 have one."
        """
        counts = {"items": self.items, "known": self.known, "labelled": self.labelled, "taught": self.taught}
        reason = _ASKED if self.chosen else _REASONS[self.name]
        told = _SOURCES[self.name](lang, **counts) + reason(lang) + _COUNTS[self.name](lang, **counts)
        return told + (_TAUGHT(lang, **counts) if self.name == "categories" and self.taught else "")


class Interests:
    """What `learn` gives and a build keeps.

    Attributes:
        taxonomy: the tree of labels.
        item_labels: (items, labels) probability that an item is about a label; facts are 1, small ones are left out.
        strata: every member's tiers.
        source: where the labels came from, and why.
        config: what it was learned with.
        fitted: what judges one member anew; see `fresh`.
        sentiment: how members felt about what they did, where that weighs looks.
        discovery: the subjects found, where labels came from there.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        item_labels: sp.csr_matrix,
        strata: Strata,
        source: LabelSource,
        config: InterestsConfig | None = None,
        *,
        fitted: Fitted | None = None,
        sentiment: Sentiment | None = None,
        labeller: Labeller | Callable[[], Labeller] | None = None,
        discovery: Discovery | None = None,
    ) -> None:
        self.taxonomy = taxonomy
        self.item_labels = item_labels
        self.strata = strata
        self.source = source
        self.config = config or InterestsConfig()
        self.fitted = fitted
        self.sentiment = sentiment
        self.discovery = discovery
        self._labeller = labeller

    def __repr__(self) -> str:
        return f"Interests({len(self.taxonomy)} labels from {self.source.name}, {len(self.strata.member_ids)} members)"

    @property
    def has_labeller(self) -> bool:
        """Whether a labeller was trained; asking loads nothing."""
        return self._labeller is not None

    @cached_property
    def labeller(self) -> Labeller | None:
        """What labels texts; None where items' own categories were all there was to know. Loaded when first asked for,
        with the language model it needs."""
        return self._labeller() if callable(self._labeller) else self._labeller

    def fresh(
        self,
        items: pl.DataFrame,
        member_id: str,
        history: pl.DataFrame,
        *,
        now: datetime | None = None,
        verdict: DriftVerdict | None = None,
    ) -> MemberInterests:
        """One member's tiers from their events as they are now, with no new build; they may have joined a moment ago.

        The answer is the one that a build at this moment would give if all others had stood still. Events with items
        that are newer than the build say nothing yet.

        Args:
            items: the items table that the interests were learned from.
            member_id: whose events they are.
            history: the member's events, with the columns of `penchant.data.columns.EVENTS`.
            now: the moment to judge at; by default the later of the build's and the member's last event.
            verdict: whether they have changed: what they turned to emerges, what they turned from fades.

        Raises:
            NotFittedError: these interests were not learned by `learn`.
        """
        if self.fitted is None:
            raise NotFittedError("these interests hold nothing to judge a member by; make them with learn")
        known = history.filter(pl.col("item_id").is_in(items["item_id"].implode()))
        one = Community.from_tables(items, known, pl.DataFrame({"member_id": [member_id]}))
        moments = [moment for moment in (now or self.strata.now, None if now else one.now) if moment is not None]
        stratifier = Stratifier(self.taxonomy, self.item_labels, self.config.strata)
        stratifier.fitted = self.fitted
        felt = self.sentiment.of(one) if self.sentiment else None
        told = {member_id: verdict} if verdict is not None else None
        return stratifier.stratify(one, sentiment=felt, now=max(moments, default=None), verdicts=told)[member_id]

    def save(self, folder: Path | str) -> None:
        """Write everything to a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        folder = Path(folder)
        self.strata.save(folder / _STRATA)
        files = [_STRATA]
        if self.fitted is not None:
            self.fitted.save(folder / _STRATIFIER)
            files.append(_STRATIFIER)
        if self.sentiment is not None:
            self.sentiment.save(folder / _SENTIMENT)
            files.append(_SENTIMENT)
        if (labeller := self.labeller) is not None:
            labeller.save(folder / _LABELLER)
            files.append(_LABELLER)
        if self.discovery is not None:
            self.discovery.save(folder / _DISCOVERY)
            files.append(_DISCOVERY)
        save_artifact(
            folder,
            KIND,
            matrices={"item_labels": self.item_labels},
            meta={
                "labels": list(self.taxonomy.labels),
                "descriptions": self.taxonomy.descriptions,
                "source": asdict(self.source),
                "config": self.config.model_dump(mode="json", by_alias=True),
                "parts": files,
            },
            # The manifest of each part checks its other files.
            files=[f"{name}/{MANIFEST}" for name in files],
        )

    @classmethod
    def load(
        cls, folder: Path | str, *, encoder: "Encoder | None" = None, options: Options | None = None
    ) -> "Interests":
        """Read what `save` wrote; the labeller and its language model are loaded when they are first asked for.

        Args:
            folder: what `save` wrote.
            encoder: the one it was learned with; found by name where absent and wanted.
            options: device, precision, progress.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        folder = Path(folder)
        saved = load_artifact(folder, KIND)
        meta, parts = saved.meta, saved.meta["parts"]
        config = InterestsConfig.model_validate(meta["config"])

        def labeller() -> Labeller:
            return Labeller.load(folder / _LABELLER, encoder, options=options)

        return cls(
            Taxonomy(meta["labels"], descriptions=meta["descriptions"]),
            saved.matrices["item_labels"],
            Strata.load(folder / _STRATA),
            LabelSource(**meta["source"]),
            config,
            fitted=Fitted.load(folder / _STRATIFIER, config.strata.latent) if _STRATIFIER in parts else None,
            sentiment=Sentiment.load(folder / _SENTIMENT) if _SENTIMENT in parts else None,
            labeller=labeller if _LABELLER in parts else None,
            discovery=Discovery.load(folder / _DISCOVERY) if _DISCOVERY in parts else None,
        )
