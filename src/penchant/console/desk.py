"""What pages read: the workspace, its store as it is now, and the build that answers, each part made once a build."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from penchant.language import Lang

if TYPE_CHECKING:
    from penchant.builds import Build
    from penchant.data.segments import Segments
    from penchant.data.store import Store
    from penchant.data.verdicts import Ranking
    from penchant.drift.whole import Drift
    from penchant.interests import Interests
    from penchant.members.recipe import Members
    from penchant.report.glance import Glance
    from penchant.report.interests_glance import InterestsGlance
    from penchant.service.loaded import Loaded
    from penchant.service.state import State
    from penchant.social import Social
    from penchant.workspace import Workspace

Made = TypeVar("Made")
Drawn = TypeVar("Drawn")


class Desk:
    """One service, seen from the console.

    Whatever is costly is made when a page first asks for it and kept as long as the build is in memory; what the
    service itself has read of it is read no second time.
    """

    def __init__(self, state: "State") -> None:
        self.state = state

    @property
    def workspace(self) -> "Workspace":
        return self.state.workspace

    @property
    def store(self) -> "Store":
        return self.state.store

    @property
    def loaded(self) -> "Loaded":
        """The build that answers, in memory.

        Raises:
            NotBuiltError: there is none yet.
        """
        return self.state.builds.current

    @property
    def build(self) -> "Build | None":
        """The build that answers; None where there is none yet."""
        return self.loaded.build if self.state.builds.is_ready else None

    def kept(self, name: str, make: "Callable[[Build], Made]") -> Made:
        """Something made of the build that answers, once.

        Raises:
            NotBuiltError: there is no build, or it lacks the stage.
        """
        return self.loaded.part(name, make)

    def drawn(self, name: str, stamp: object, make: "Callable[[], Drawn]") -> "Drawn":
        """Something that a page shows of the build and that takes a while to draw, kept until it would come out other.

        Args:
            name: of it, with its language.
            stamp: what else than the build it depends on.
            make: draws it.
        """
        kept: dict[str, tuple[object, Drawn]] = self.kept("drawn", lambda _: {})
        found = kept.get(name)
        if found is None or found[0] != stamp:
            found = kept[name] = (stamp, make())
        return found[1]

    def has(self, stage: str) -> bool:
        """Whether the build that answers has a stage."""
        build = self.build
        return build is not None and stage in build.stages

    @property
    def interests(self) -> "Interests":
        """The interests of the build.

        Raises:
            NotBuiltError: it has none.
        """
        self.loaded.require("interests")
        assert self.loaded.interests is not None
        return self.loaded.interests

    @property
    def members(self) -> "Members":
        """Profiles, segments and value, as the build has them, segments under the names that people gave them."""
        held = self.kept("members", lambda build: build.members())
        held.segmenter.segments = self.segments
        return held

    @property
    def segments(self) -> "Segments":
        """Whose segment is whose, each under the name that people gave it."""
        return self.state.systems.segments_of(self.loaded)

    @property
    def drift(self) -> "Drift":
        """Who has changed, as the build found."""
        return self.state.systems.drift_of(self.loaded)

    @property
    def social(self) -> "Social":
        """What the build learned of ties, over those of this moment.

        Raises:
            NotBuiltError: nothing was learned, for the reason that the message gives.
        """
        return self.state.systems.social_of(self.loaded)

    def require_build(self) -> "Build":
        """The build that answers.

        Raises:
            NotBuiltError: there is none yet.
        """
        return self.loaded.build

    @property
    def glance(self) -> "Glance":
        """The community in numbers, as it was when the build was made."""
        from penchant.report.glance import glance

        return self.kept("glance", lambda build: glance(build.community))

    @property
    def interests_glance(self) -> "InterestsGlance":
        """The interests in numbers, as they were when the build was made."""
        from penchant.report.interests_glance import interests_glance

        def make(build: "Build") -> "InterestsGlance":
            held = self.interests
            return interests_glance(
                build.community, held.taxonomy, held.item_labels, held.strata, held.config.strata.weights
            )

        return self.kept("interests_glance", make)

    def history(self, member_id: str) -> pl.DataFrame:
        """What a member did, up to this moment.

        Raises:
            UnknownIdError: there is no such member.
        """
        return self.store.history(member_id)

    def usable_history(self, member_id: str) -> pl.DataFrame:
        """The same, and no events where the member's data may not be used: what is held is shown, and not judged.

        Raises:
            UnknownIdError: there is no such member.
        """
        history = self.history(member_id)
        return history if self.state.live.agrees(member_id) else history.clear()

    def recommend(self, member_id: str, k: int, lang: Lang, *, also: pl.DataFrame | None = None) -> "Ranking":
        """What a member gets now, or would get after further events, with the columns of `EVENTS`."""
        return self.state.recommend(member_id, k, lang=lang, also=also)[0]

    def title(self, item_id: str) -> str:
        """What an item is called, also one that came after the build.

        Raises:
            UnknownIdError: there is no such item.
        """
        community = self.loaded.recommender.community
        row = community.item_ids.row_or_none(item_id)
        return community.titles[row] if row is not None else str(self.store.item(item_id)["title"])
