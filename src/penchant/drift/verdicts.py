"""From odds to a verdict in words: what kind of change, since when, from what to what, on which events."""

from dataclasses import dataclass, replace

from penchant.data.community import Community
from penchant.data.drift import Change, DriftVerdict
from penchant.drift.read import Read
from penchant.drift.telling import about, began, evidence, is_seasonal, moment, turn
from penchant.drift.views import ItemViews


@dataclass(frozen=True)
class Told:
    """What the models say of a member's last window."""

    alarm: bool
    passed: bool
    """Whether a change began a window ago and is over."""
    gradual: bool
    """Whether a change that holds came gradually."""
    probability: float
    p_value: float


def verdict_on(
    community: Community,
    member_id: str,
    read: Read,
    told: Told,
    views: ItemViews,
    *,
    confirmation: bool,
    season: float,
    pieces: int,
) -> DriftVerdict:
    """The verdict on a member of whom enough is known.

    Args:
        community: the items.
        member_id: of whom.
        read: their windows.
        told: what the models say.
        views: what items are.
        confirmation: whether alarms wait for a second window.
        season: how much more like last year's same weeks a seasonal change is.
        pieces: events named as evidence.
    """
    blip = not told.alarm and told.passed
    begin = began(read.foreign, alarm=told.alarm, blip=blip, confirmation=confirmation)
    change = Change.BLIP if blip else Change.NONE
    if told.alarm:
        change = Change.GRADUAL if told.gradual else Change.ABRUPT
        if is_seasonal(views, read.items, read.at, read.times[begin, 0], season):
            change = Change.SEASONAL
    verdict = DriftVerdict(
        member_id, change, probability=told.probability, p_value=told.p_value, judged_at=moment(read.at[-1])
    )
    if change == Change.NONE:
        return replace(verdict, before=about(views, read.windows))
    end = begin + 1 if blip else len(read.times)
    before, after = turn(views, read.windows[:begin], read.windows[begin:end])
    rests_on = evidence(community, read.windows, read.foreign, read.times, range(begin, end), pieces)
    since = moment(read.times[begin, 0])
    return replace(verdict, alarm=told.alarm, began=since, before=before, after=after, evidence=rests_on)
