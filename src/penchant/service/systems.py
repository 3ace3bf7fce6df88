"""What the other systems say of a member, from the build that answers and the ties and events up to this moment."""

from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from penchant.data.community import Community
from penchant.data.consent import consenting
from penchant.data.corrections import renamed
from penchant.data.drift import DriftVerdict
from penchant.data.verdicts import Ranking
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.service.loaded import Loaded

if TYPE_CHECKING:
    from penchant.data.segments import Segment, Segments
    from penchant.drift import Drift
    from penchant.service.state import State
    from penchant.social import Social
    from penchant.social.friends import Suggestions
    from penchant.social.questionnaire import Questionnaire
    from penchant.social.questions import Question
    from penchant.text.encoder import Encoder


TOO_LITTLE: Final = Phrase("too little is known of this member to tell", "该会员的依据太少，暂未分群")


@dataclass(frozen=True)
class Step:
    """Where a newcomer stands after some answers."""

    ranking: Ranking
    question: "Question | None"
    """The next to ask; None where enough were asked."""


class Systems:
    """Answers of the systems that need the whole community: it is read again where ties have changed."""

    def __init__(self, state: "State") -> None:
        self.state = state
        self._lock = Lock()

    def friends(self, member_id: str, k: int, lang: Lang) -> "Suggestions":
        """Whom to suggest to a member, from the ties as they are now.

        Raises:
            NotBuiltError: the build has no social model, and why.
            UnknownIdError: there is no such member.
        """
        self.state.live.caught_up(member_id)
        social, gone = self._moved_on(self.state.builds.of(member_id).loaded)
        if member_id in gone:
            raise UnknownIdError(f"no member has the id {member_id!r}")
        found = social.friends.suggest(member_id, k + len(gone), lang=lang)
        return replace(found, picks=tuple(pick for pick in found.picks if pick.member_id not in gone)[:k])

    def questionnaire(self, member_id: str, answers: dict[int, str], k: int, lang: Lang) -> Step:
        """What to show a newcomer after some answers, and what to ask next.

        Args:
            member_id: whom they look to counts, where they are tied to somebody already.
            answers: question to `like`, `dislike` or `don't know`.
            k: how many items.
            lang: of reasons and strategy.

        Raises:
            NotBuiltError: the build has no questionnaire, and why.
            InputError: there is no such question or answer.
        """
        from penchant.social.answers import read_answer

        sheet = self._sheet(member_id)
        for number, said in answers.items():
            sheet = sheet.answered(number, read_answer(said))
        return Step(sheet.recommend(k, lang=lang), sheet.next())

    def segment(self, member_id: str, lang: Lang) -> dict[str, Any]:
        """The group of members like one: as the build has it, and of a member newer than the build by their events.

        Raises:
            NotBuiltError: the build has no segments.
            UnknownIdError: there is no such member.
        """
        loaded = self.state.builds.of(member_id).loaded
        found = self.segments_of(loaded)
        told: dict[str, Any] = {"member_id": member_id, "build": loaded.version}
        own = found[member_id] if member_id in loaded.build.community.member_ids else self._placed(loaded, member_id)
        if own is None:
            return told | {"reason": (found.reason or TOO_LITTLE)(lang)}
        return told | {
            "segment": own.number,
            "name": own.name(lang),
            "about": own.told(lang),
            "members": own.size,
            "share": own.share,
            "tastes": [name for name, _ in own.tastes],
        }

    def _placed(self, loaded: Loaded, member_id: str) -> "Segment | None":
        history = self.state.live.usable_history(member_id)
        held = loaded.part("members", lambda build: build.members())
        vectors = None
        if held.profiles.text is not None:
            vectors = loaded.part("text", lambda build: build.item_vectors())
        about = self.state.store.member(member_id)
        placed = held.place(loaded.build.community.items, member_id, history, item_vectors=vectors, about=about)
        # Under the name that people gave it.
        return None if placed is None else self.segments_of(loaded).of(placed.number)

    def drift(self, member_id: str) -> tuple[DriftVerdict, str]:
        """Whether a member's interest has changed, from their events up to this moment, and the build that says so.

        Raises:
            NotBuiltError: the build cannot judge single members, and why.
            UnknownIdError: there is no such member.
        """
        version = self.state.live.caught_up(member_id)
        history = self.state.live.usable_history(member_id, again=False)
        loaded = self.state.builds.of(member_id).loaded
        drift = self.drift_of(loaded)
        said = loaded.drift_verdict(member_id, version, history)
        if said is None:
            raise NotBuiltError(f"build {loaded.version} judges no single member: {drift.told_reason()}")
        return said, loaded.version

    def tell_alarms(self, loaded: Loaded) -> int:
        """Put what a build found odd into the queue of alerts; how many alarms were new."""
        told = 0
        if "anomalies" in loaded.build.stages:
            for alarm in loaded.build.anomalies().alarms:
                rule = f"{alarm.kind.value} {alarm.at:%Y-%m-%d}"
                message = Phrase(f"{alarm.member_id}: {alarm.said.en}", f"{alarm.member_id}：{alarm.said.zh}")
                told += self.state.alerts.add_once(rule, message, member_id=alarm.member_id)
        if "drift" in loaded.build.stages:
            drift = self.drift_of(loaded)
            self.state.metrics.drifting.set(len(drift.alarms))
            for member_id in drift.alarms:
                said = drift.verdict(member_id)
                rule = f"drift {said.began:%Y-%m-%d}" if said.began is not None else "drift"
                message = Phrase(f"{member_id}: {said.told('en')}", f"{member_id}：{said.told('zh')}")
                told += self.state.alerts.add_once(rule, message, member_id=member_id)
        return told

    def segments_of(self, loaded: Loaded) -> "Segments":
        """Whose segment is whose in a build, each under the name that people gave it.

        Raises:
            NotBuiltError: the build has no segments.
        """
        return renamed(loaded.part("segments", lambda build: build.segments()), self.state.corrections.segment_names)

    def drift_of(self, loaded: Loaded) -> "Drift":
        """Who has changed, as a build found.

        Raises:
            NotBuiltError: the build has no such stage.
        """
        loaded.require("drift")
        assert loaded.drift is not None
        return loaded.drift

    def _sheet(self, member_id: str) -> "Questionnaire":
        from penchant.social.questionnaire import Questionnaire

        self.state.live.caught_up(member_id)
        social = self.social_of(self.state.builds.of(member_id).loaded)
        community = social.model.community
        row = community.member_ids.row_or_none(member_id)
        friends: list[str] = []
        if row is not None:
            tied = community.ties.filter((community.ties["member"] == row) & (community.ties["kind"] != "block"))
            friends = community.member_ids.decode(tied["other"]).to_list()
        return Questionnaire.start(social.newcomers, community, friends=friends)

    def social_of(self, loaded: Loaded) -> "Social":
        """What a build learned of ties, over the ties and members of this moment.

        Raises:
            NotBuiltError: it learned nothing of them, and why.
        """
        return self._moved_on(loaded)[0]

    def _moved_on(self, loaded: Loaded) -> "tuple[Social, frozenset[str]]":
        """The same, and the names under which members stand in the build who are gone since."""
        from penchant.social.whole import why_not

        if reason := why_not(loaded.build.folder("social"), "en"):
            raise NotBuiltError(f"build {loaded.version} has no social model: {reason}")
        # Asked for before the language model was there, it is made once more with it.
        kind = "social" if loaded.encoder is None else "social with texts"
        learned = loaded.part(kind, lambda build: build.social(encoder=self._reader(loaded)))
        moved: dict[str, Any] = loaded.part(f"{kind} of this moment", lambda _: {})
        with self._lock:
            stamp = (self.state.changes.of_all("ties"), len(self.state.live))
            if moved.get("stamp") != stamp:
                now = consenting(self.state.whole(), self.state.live.consent)
                moved |= {"stamp": stamp, "found": _moved_on(learned, now)}
            found: tuple[Social, frozenset[str]] = moved["found"]
            return found

    def _reader(self, loaded: Loaded) -> "Encoder | None":
        """The language model as the build had it: what it has read once is not read again at every new tie."""
        from penchant.text.cache import CachedEncoder

        return loaded.encoder and CachedEncoder(loaded.encoder, self.state.workspace.vectors, shown=False)


def _moved_on(social: "Social", now: Community) -> "tuple[Social, frozenset[str]]":
    """The model over the ties, events and members of this moment; items that came since wait for the next build.

    A model counts on row numbers, so members who are gone keep their rows in it, with nothing in them.
    """
    known = social.model.community
    members = known.members.select("member_id").join(now.members, on="member_id", how="left", maintain_order="left")
    members = pl.concat([members, now.members.join(members, on="member_id", how="anti", maintain_order="left")])
    gone = frozenset(known.members.join(now.members, on="member_id", how="anti")["member_id"])
    if members["member_id"].equals(now.members["member_id"]) and now.items["item_id"].equals(known.items["item_id"]):
        return social.on(now), gone
    events = now.with_ids("events")
    there = events["item_id"].is_null() | events["item_id"].is_in(known.items["item_id"].implode())
    return social.on(Community.from_tables(known.items, events.filter(there), members, now.with_ids("ties"))), gone
