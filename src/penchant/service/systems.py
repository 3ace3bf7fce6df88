"""What the other systems say of a member, from the build that answers and the ties and events up to this moment."""

import json
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from penchant.data.community import Community
from penchant.data.verdicts import Ranking
from penchant.errors import NotBuiltError, UnknownIdError
from penchant.language import Lang, Phrase
from penchant.service.loaded import Loaded

if TYPE_CHECKING:
    from penchant.data.segments import Segments
    from penchant.service.state import State
    from penchant.social import Social
    from penchant.social.friends import Suggestions
    from penchant.social.questionnaire import Questionnaire
    from penchant.social.questions import Question


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
        self._kept: tuple[object, Social] | None = None
        self._segments: tuple[str, Segments | None] | None = None

    def friends(self, member_id: str, k: int, lang: Lang) -> "Suggestions":
        """Whom to suggest to a member, from the ties as they are now.

        Raises:
            NotBuiltError: the build has no social model, and why.
            UnknownIdError: there is no such member.
        """
        return self._social(self.state.builds.of(member_id).loaded).friends.suggest(member_id, k, lang=lang)

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
        """The group of members like one, as the build that answers has it.

        Raises:
            NotBuiltError: the build has no segments.
            UnknownIdError: there was no such member when the build was made.
        """
        from penchant.members.segments import Segmenter

        loaded = self.state.builds.of(member_id).loaded
        with self._lock:
            if self._segments is None or self._segments[0] != loaded.version:
                # The folder of the segments alone, since nothing else of the members is asked for.
                folder = loaded.build.folder("members") / "segments"
                self._segments = (loaded.version, Segmenter.load(folder).segments)
            found = self._segments[1]
        told: dict[str, Any] = {"member_id": member_id, "build": loaded.version}
        own = found[member_id] if found is not None else None
        if own is None:
            reason = found.reason if found is not None else None
            return told | {"reason": (reason or TOO_LITTLE)(lang)}
        return told | {
            "segment": own.number,
            "name": own.name(lang),
            "about": own.told(lang),
            "members": own.size,
            "share": own.share,
            "tastes": [name for name, _ in own.tastes],
        }

    def verdict(self, member_id: str, system: str) -> dict[str, Any]:
        """What a system of the build that answers has left in the store about a member.

        Raises:
            NotBuiltError: the build lacks the system.
            UnknownIdError: there is no such member, or nothing is said of them.
        """
        loaded = self.state.builds.of(member_id).loaded
        said = self.state.store.verdicts_of(member_id)
        for row in said.iter_rows(named=True):
            if row["build"] == loaded.version and row["system"] == system:
                return {"member_id": member_id, "build": loaded.version, "verdict": json.loads(row["verdict"])}
        loaded.build.folder(system)
        raise UnknownIdError(f"{system} says nothing of the member {member_id!r} in build {loaded.version}")

    def tell_alarms(self, loaded: Loaded) -> int:
        """Put what a build found odd into the queue of alerts; how many alarms were new."""
        if "anomalies" not in loaded.build.stages:
            return 0
        told = 0
        for alarm in loaded.build.anomalies().alarms:
            rule = f"{alarm.kind.value} {alarm.at:%Y-%m-%d}"
            message = Phrase(f"{alarm.member_id}: {alarm.said.en}", f"{alarm.member_id}：{alarm.said.zh}")
            told += self.state.alerts.add_once(rule, message, member_id=alarm.member_id)
        return told

    def _sheet(self, member_id: str) -> "Questionnaire":
        from penchant.social.questionnaire import Questionnaire

        social = self._social(self.state.builds.of(member_id).loaded)
        community = social.model.community
        row = community.member_ids.row_or_none(member_id)
        friends: list[str] = []
        if row is not None:
            tied = community.ties.filter((community.ties["member"] == row) & (community.ties["kind"] != "block"))
            friends = community.member_ids.decode(tied["other"]).to_list()
        return Questionnaire.start(social.newcomers, community, friends=friends)

    def _social(self, loaded: Loaded) -> "Social":
        from penchant.social.whole import why_not

        if reason := why_not(loaded.build.folder("social"), "en"):
            raise NotBuiltError(f"build {loaded.version} has no social model: {reason}")
        with self._lock:
            stamp = (loaded.version, self.state.ties_version, len(self.state.live))
            if self._kept is None or self._kept[0] != stamp:
                self._kept = (stamp, _moved_on(loaded.build.social(encoder=loaded.encoder), self.state.whole()))
            return self._kept[1]


def _moved_on(social: "Social", community: Community) -> "Social":
    """The model over the ties, events and members of this moment; items that came since wait for the next build."""
    known = social.model.community.items
    if community.items["item_id"].equals(known["item_id"]):
        return social.on(community)
    events = community.with_ids("events")
    there = events["item_id"].is_null() | events["item_id"].is_in(known["item_id"].implode())
    return social.on(Community.from_tables(known, events.filter(there), community.members, community.with_ids("ties")))
