"""What pages read: the workspace, its store as it is now, and the build that answers, each part loaded once a build."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import polars as pl

from penchant.errors import NotBuiltError
from penchant.language import Lang

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.data.store import Store
    from penchant.data.verdicts import Ranking
    from penchant.interests import Interests
    from penchant.recommend import Recommender
    from penchant.report.glance import Glance
    from penchant.report.interests_glance import InterestsGlance
    from penchant.search import Searcher
    from penchant.workspace import Workspace

Made = TypeVar("Made")


@dataclass
class Desk:
    """One workspace, seen from the console.

    Whatever is costly is made when a page first asks for it and kept until another build answers.
    """

    workspace: "Workspace"
    store: "Store"
    _version: str = ""
    _made: dict[str, Any] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    @property
    def build(self) -> "Build | None":
        """The build that answers; None where there is none yet."""
        current = self.workspace.current
        with self._lock:
            if current is None:
                return None
            if current.version != self._version:
                self._version = current.version
                self._made = {"build": current}
            return self._made["build"]

    def require_build(self) -> "Build":
        """The build that answers.

        Raises:
            NotBuiltError: there is none yet.
        """
        build = self.build
        return build if build is not None else self.workspace.require_current()

    def kept(self, name: str, make: "Callable[[Build], Made]") -> Made:
        """Something made of the build that answers, once.

        Raises:
            NotBuiltError: there is no build, or it lacks the stage.
        """
        build = self.require_build()
        with self._lock:
            if name not in self._made:
                self._made[name] = make(build)
            return self._made[name]

    @property
    def recommender(self) -> "Recommender":
        return self.kept("recommender", lambda build: build.recommender(encoder=self._encoder))

    @property
    def searcher(self) -> "Searcher":
        return self.kept("searcher", lambda build: build.searcher(encoder=self._encoder))

    @property
    def interests(self) -> "Interests":
        return self.kept("interests", lambda build: build.interests())

    @property
    def glance(self) -> "Glance":
        """The community in numbers, as it was when the build was made."""
        from penchant.report.glance import glance

        return self.kept("glance", lambda build: glance(build.community))

    @property
    def interests_glance(self) -> "InterestsGlance":
        from penchant.report.interests_glance import interests_glance

        def make(build: "Build") -> "InterestsGlance":
            held = self.interests
            return interests_glance(
                build.community, held.taxonomy, held.item_labels, held.strata, held.config.strata.weights
            )

        return self.kept("interests_glance", make)

    def recommend(self, member_id: str, history: pl.DataFrame, k: int, lang: Lang) -> "Ranking":
        """What a member gets from a history, such as the store's of this moment, or one with an event more.

        Events with items that are newer than the build count for nothing yet.

        Raises:
            UnknownIdError: the last event is with an item that nobody knows.
        """
        recommender = self.recommender
        ids = recommender.community.item_ids
        if len(history) and (last := history["item_id"][-1]) is not None and ids.row_or_none(last) is None:
            self.store.item(last)
        known = history.filter(pl.col("item_id").is_in(ids.ids.implode()))
        return recommender.recommend_for(events=known, k=k, lang=lang)

    def title(self, item_id: str) -> str:
        """What an item is called, also one that came after the build."""
        build = self.require_build()
        row = build.community.item_ids.row_or_none(item_id)
        return build.community.titles[row] if row is not None else str(self.store.item(item_id)["title"])

    @property
    def _encoder(self) -> Any:
        from penchant.text.transformer import load_encoder
        from penchant.training.options import Options

        def make(_: "Build") -> Any:
            return load_encoder(self.workspace.config.build.encoder, options=Options(progress=False))

        return self.kept("encoder", make)

    def has(self, stage: str) -> bool:
        """Whether the build that answers has a stage."""
        build = self.build
        return build is not None and stage in build.stages


def lacking(error: NotBuiltError) -> str:
    """What to show where a build, or a part of it, is not there yet."""
    return str(error)
