"""Has an interest grown or shrunk? The likeliest change point of each label, judged against shuffled sessions."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import betaln

from penchant.interests.looks import Looks
from penchant.interests.shares import Prior
from penchant.vectors import Rows

Numbers = NDArray[np.float64]

SUPPORT: Final = 2.0
"""Change points whose log likelihood is so near the best may be the true one (2-unit support; Edwards, 1972)."""
LEAST_FACTOR: Final = float(np.log(3))
"""However rarely chance does better, a log Bayes factor below this is "worth a bare mention" at most (Jeffreys)."""
_HELD: Final = -2.0
"""A rise has held unless its looks crowd towards its beginning by so many deviations (Laplace's trend test)."""


@dataclass(frozen=True, eq=False)
class Sessions:
    """Members' sessions in order of time: how many independent looks each is worth, and which labels they drew."""

    member: Rows
    at: Numbers
    """Seconds since 1970, of the last look."""
    size: Numbers
    drawn: sp.csr_matrix
    """(sessions, labels) at most `size` in each row's cells."""

    def shuffled(self, rng: np.random.Generator) -> "Sessions":
        """The same sessions in another order within each member, so that no member changes but by chance."""
        order = np.lexsort((rng.random(len(self.member)), self.member))
        return Sessions(self.member, self.at, self.size[order], self.drawn[order])

    def of(self, members: Rows) -> "Sessions":
        """The sessions of some members."""
        chosen = np.flatnonzero(np.isin(self.member, members))
        return Sessions(self.member[chosen], self.at[chosen], self.size[chosen], self.drawn[chosen])


def sessions(seen: Looks, item_labels: sp.csr_matrix, correlation: float) -> Sessions:
    """Looks gathered into sessions; n looks of one session are worth n / (1 + (n - 1) ρ) independent ones.

    Whether something has changed is asked of looks that all count alike, whatever was done.
    """
    opens = np.diff(seen.session, prepend=-1) != 0
    begins, number = np.flatnonzero(opens), np.cumsum(opens) - 1
    length = np.bincount(number, minlength=len(begins)).astype(np.float64)
    worth = 1 / (1 + (length - 1) * correlation)
    gathered = sp.csr_matrix((worth[number], (number, seen.item)), shape=(len(begins), item_labels.shape[0]))
    at = np.maximum.reduceat(seen.at, begins) if len(begins) else np.empty(0)
    drawn = sp.csr_matrix(gathered @ item_labels, dtype=np.float64)
    drawn.sort_indices()
    return Sessions(seen.member[begins], at, length * worth, drawn)


@dataclass(frozen=True)
class ChangeRules:
    """What a change must amount to."""

    since: float
    """Seconds since 1970: older changes do not count."""
    share: float
    """Least share after a rise, or before a fall."""
    growth: float
    """Least ratio of the larger share to the smaller."""
    before: float
    """A rise starts below this share."""
    evidence: float
    """Least independent looks before the change; two are wanted after it."""


@dataclass(frozen=True, eq=False)
class Changes:
    """For each member and label that occurs: log Bayes factors of a rise and of a fall that meet the rules.

    Minus infinity where no change point does.
    """

    member: Rows
    label: Rows
    rise: Numbers
    fall: Numbers


def find_changes(found: Sessions, prior: Prior, rules: ChangeRules) -> Changes:
    """Try every change point of every label of every member.

    Under no change all looks share one rate; under a change at τ those before and after have their own. Rates are drawn
    from the community's beta prior, so the Bayes factor of the two is in closed form, and little evidence on either
    side proves nothing (Barry and Hartigan, 1992, with one change). The best rise begins with a look at the label and
    the best fall follows one, so only these points are tried: work grows with the looks, not with members × labels.
    """
    label_of = found.drawn.indices.astype(np.int64)
    session = np.repeat(np.arange(len(found.member)), np.diff(found.drawn.indptr))
    order = np.lexsort((session, label_of, found.member[session]))
    session, label, drawn = session[order], label_of[order], found.drawn.data[order]
    if not len(session):
        nothing = np.empty(0, dtype=np.int64)
        return Changes(nothing, nothing, np.empty(0), np.empty(0))
    member = found.member[session]
    before_session, upto_session, total, last = _running(found.member, found.size)

    opens = (np.diff(member, prepend=-1) != 0) | (np.diff(label, prepend=-1) != 0)
    starts = np.flatnonzero(opens)
    group = np.cumsum(opens) - 1
    upto = np.cumsum(drawn)
    upto -= (upto[starts] - drawn[starts])[group]
    ends = np.append(starts[1:], len(session)) - 1
    all_drawn, all_size = upto[ends][group], total[session]

    alpha, beta = prior.parameters(label)
    steady = betaln(alpha + all_drawn, beta + np.maximum(all_size - all_drawn, 0)) + betaln(alpha, beta)

    def factor(k: Numbers, n: Numbers) -> Numbers:
        rest_k, rest_n = np.maximum(all_drawn - k, 0), all_size - n
        first = betaln(alpha + k, beta + np.maximum(n - k, 0))
        return first + betaln(alpha + rest_k, beta + np.maximum(rest_n - rest_k, 0)) - steady

    def shares(k: Numbers, n: Numbers) -> tuple[Numbers, Numbers]:
        rest_k, rest_n = np.maximum(all_drawn - k, 0), all_size - n
        return (alpha + k) / (alpha + beta + n), (alpha + rest_k) / (alpha + beta + rest_n)

    # Rises: the look opens the time after the change.
    k, n = upto - drawn, before_session[session]
    then, now = shares(k, n)
    score = np.where(now > then, factor(k, n), -np.inf)
    fits = (
        (found.at[session] > rules.since)
        & (n >= rules.evidence)
        & (all_size - n >= 2)
        & (now >= rules.share)
        & (now >= rules.growth * then)
        & (then < rules.before)
        & (_trend(drawn, before_session[session] + found.size[session] / 2, n, all_size, ends[group]) > _HELD)
    )
    rise = _best(score, fits, starts)

    # Falls: the look closes the time before the change; where that lies before the window, the change may still have
    # come with the window's first session, before the next look at the label.
    k = upto
    follows = np.append(session[1:], 0)
    follows[ends] = last[session[ends]] + 1
    opening = _first_since(found, rules.since)
    late = np.clip(opening[session] - 1, session, follows - 1)
    best = np.full(len(starts), -np.inf)
    allowed = np.full(len(starts), -np.inf)
    for place in (session, late):
        n = upto_session[place]
        then, now = shares(k, n)
        score = np.where(now < then, factor(k, n), -np.inf)
        following = np.minimum(place + 1, len(found.at) - 1)
        fits = (
            (place < last[session])
            & (found.at[following] > rules.since)
            & (n >= rules.evidence)
            & (all_size - n >= 2)
            & (then >= rules.share)
            & (then >= rules.growth * now)
        )
        best = np.maximum(best, np.maximum.reduceat(score, starts))
        allowed = np.maximum(allowed, np.maximum.reduceat(np.where(fits, score, -np.inf), starts))
    fall = np.where(allowed >= best - SUPPORT, allowed, -np.inf)
    return Changes(member[starts], label[starts], rise, fall)


def thresholds(
    found: Sessions, members: Rows, prior: Prior, rules: ChangeRules, false_changes: float, *, least_draws: int = 2_000
) -> tuple[float, float]:
    """The log Bayes factors that rises and falls must exceed, so that few members of steady interests are told of one.

    The sessions of each member are shuffled, which takes every change away and keeps what they looked at, how often and
    how sessions hang together; the best rise and the best fall over all labels of such a member exceed the thresholds
    with the probability wanted (a permutation test, corrected for the number of labels as Westfall and Young, 1993).

    Args:
        found: sessions of at least these members.
        members: rows to calibrate on; a sample is drawn if they are many.
        prior: of the shares.
        rules: that changes must meet.
        false_changes: share of members, apart for rises and falls.
        least_draws: shuffled members looked at, at least.
    """
    if not len(members):
        return LEAST_FACTOR, LEAST_FACTOR
    rng = np.random.default_rng(0)
    sample = np.sort(rng.choice(members, min(len(members), least_draws), replace=False))
    mine = found.of(sample)
    tops = []
    for _ in range(-(-least_draws // len(sample))):
        changes = find_changes(mine.shuffled(rng), prior, rules)
        top = np.full((2, len(sample)), -np.inf)
        place = np.searchsorted(sample, changes.member)
        np.maximum.at(top[0], place, changes.rise)
        np.maximum.at(top[1], place, changes.fall)
        tops.append(top)
    every = np.sort(np.concatenate(tops, axis=1), axis=1)
    at = min(int(np.ceil(every.shape[1] * (1 - false_changes))), every.shape[1] - 1)
    rise, fall = np.maximum(every[:, at], LEAST_FACTOR)
    return float(rise), float(fall)


def _running(member: Rows, size: Numbers) -> tuple[Numbers, Numbers, Numbers, Rows]:
    """(sessions,) the member's sizes summed before each session, up to it, in all; the number of their last session."""
    starts = np.flatnonzero(np.diff(member, prepend=-1))
    lengths = np.diff(np.append(starts, len(member)))
    upto = np.cumsum(size)
    upto -= np.repeat(upto[starts] - size[starts], lengths)
    last = np.repeat(starts + lengths - 1, lengths)
    return upto - size, upto, upto[last], last


def _first_since(found: Sessions, since: float) -> Rows:
    """(sessions,) number of the member's first session after a time; one past their last if there is none."""
    starts = np.flatnonzero(np.diff(found.member, prepend=-1))
    lengths = np.diff(np.append(starts, len(found.member)))
    early = np.add.reduceat((found.at <= since).astype(np.int64), starts)
    return np.repeat(starts + early, lengths)


def _trend(drawn: Numbers, place: Numbers, from_size: Numbers, all_size: Numbers, end: Rows) -> Numbers:
    """Laplace's statistic of the looks from each entry to its group's last, the first one left out.

    Under a steady rate the others lie evenly over the time after the change, counted in looks.
    """
    later = np.cumsum(drawn[::-1])[::-1]
    later_place = np.cumsum((drawn * place)[::-1])[::-1]
    squares = np.cumsum((drawn**2)[::-1])[::-1]
    beyond = end + 1
    padded = [np.append(one, 0.0) for one in (later, later_place, squares)]
    here = np.arange(len(drawn)) + 1
    weight, placed, spread = (one[here] - one[beyond] for one in padded)
    length = np.maximum(all_size - from_size, 1e-9)
    mean = np.divide(placed, weight, out=from_size + length / 2, where=weight > 1e-9)
    deviation = length * np.sqrt(np.maximum(spread, 1e-9) / 12) / np.maximum(weight, 1e-9)
    return np.where(weight > 1e-9, (mean - from_size - length / 2) / deviation, 0.0)


def _best(score: Numbers, fits: NDArray[np.bool_], starts: Rows) -> Numbers:
    """Of each group the best score that fits, unless one that does not is beyond doubt better."""
    allowed = np.maximum.reduceat(np.where(fits, score, -np.inf), starts)
    return np.where(allowed >= np.maximum.reduceat(score, starts) - SUPPORT, allowed, -np.inf)
