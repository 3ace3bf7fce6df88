"""Window by window: everything that tells whether a member has changed, as one table for a model to learn from.

At each window only what has happened by then is used. The window is compared with all windows before it (a change that
begins now), and so are the window before, and both together, with what went before them (a change that began a window
ago, and has held, or has passed).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from penchant.drift.events import Compared
from penchant.drift.likeness import Cube, before
from penchant.drift.views import ItemViews

PAIRS: Final = ("now", "now|earlier", "last|earlier", "both|earlier")
"""What is compared: this window with all before it; this one, the one before, and both, with all before both."""
_MIX: Final = np.array([0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0], dtype=np.float32)
"""Shares of foreign events that are tried."""
_VARIANCES: Final = {"odds/glr": 4.0, "odds/mean": 0.3, "behaviour/cosine": 0.02, "repeats": 0.05, "surprise": 0.3}
"""Usual variances of statistics between windows, of which a part is added to the member's own while it has few."""


def window_statistics(
    compared: Compared, views: ItemViews, foreign: dict[int, Cube], surprise: Cube | None = None
) -> tuple[Cube, tuple[str, ...]]:
    """(streams, windows, statistics) and their names; NaN where there is too little before.

    Args:
        compared: the streams' events, compared.
        views: what items are.
        foreign: by lag, (streams, windows, events) log odds that an event is not the member's.
        surprise: (streams, windows, events) further surprise of each event, such as a sequence model's log loss less
            the member's own level; None where there is none.
    """
    columns: dict[str, Cube] = {}
    sizes = compared.sizes
    count = sizes[:, :, None] * sizes[:, None, :]
    here = np.arange(sizes.shape[1])
    count[:, here, here] -= sizes
    # Windows that only make a short stream as long as the others are no past of anybody's.
    held = sizes > 0
    for place, (name, between) in enumerate(compared.between.items()):
        columns |= {f"{name}/{key}": value for key, value in _alike(between, count).items()}
        for pair, top in (("now", 0), ("now|earlier", 1)):
            columns[f"{name}/nearest/{pair}"] = _mean(compared.events[top][..., 2 + 6 * place], compared.real)
    columns |= _subjects(compared, views)
    columns |= _odds(foreign, compared.real)
    repeat = 6 * len(compared.between)
    for label, column in (("repeats", repeat), ("popularity shift", repeat + 3), ("price shift", repeat + 4)):
        now = _mean(np.minimum(compared.events[0][..., column], 1), compared.real)
        earlier = _mean(np.minimum(compared.events[1][..., column], 1), compared.real)
        columns |= {f"{label}/now": now, f"{label}/now|earlier": earlier, f"{label}/last|earlier": _shifted(now, 1)}
    if surprise is not None:
        level = _mean(surprise, compared.real)
        columns |= _against_past("surprise", np.where(held, level, np.nan))
    for key in ("odds/glr/now", "odds/mean/now", "behaviour/cosine/now", "repeats/now"):
        if key in columns:
            columns |= _against_past(key.removesuffix("/now"), np.where(held, columns[key], np.nan))
    table = np.stack(list(columns.values()), axis=-1).astype(np.float32)
    table[:, 0] = np.nan
    table[sizes == 0] = np.nan
    return table, tuple(columns)


def _alike(between: Cube, count: Cube) -> dict[str, NDArray]:
    """Under one view: cosine, likeness in excess of the past's own, and unbiased MMD with the inner product."""
    windows = between.shape[1]
    here = np.arange(windows)
    found: dict[str, NDArray] = {}
    cross, pairs = _to_reference(between), _to_reference(count)
    inside, inside_pairs = _within(between), _within(count)
    own, own_pairs = between[:, here, here], count[:, here, here]
    previous = np.concatenate([np.zeros_like(own[:, :1]), between[:, here[1:], here[:-1]]], axis=1)
    previous_pairs = np.concatenate([np.zeros_like(own[:, :1]), count[:, here[1:], here[:-1]]], axis=1)
    for pair in PAIRS:
        lag = 0 if pair == "now" else 1
        if pair in ("now", "now|earlier"):
            to, to_pairs, mine, mine_pairs = cross[lag], pairs[lag], own, own_pairs
        elif pair == "last|earlier":
            to, to_pairs = _shifted(cross[0], 1), _shifted(pairs[0], 1)
            mine, mine_pairs = _shifted(own, 1), _shifted(own_pairs, 1)
        else:
            to, to_pairs = cross[1] + _shifted(cross[0], 1), pairs[1] + _shifted(pairs[0], 1)
            mine = own + _shifted(own, 1) + 2 * previous
            mine_pairs = own_pairs + _shifted(own_pairs, 1) + 2 * previous_pairs
        mean_to, mean_in, mean_own = (
            top / np.maximum(bottom, 1)
            for top, bottom in ((to, to_pairs), (inside[lag], inside_pairs[lag]), (mine, mine_pairs))
        )
        found[f"excess/{pair}"] = mean_to - mean_in
        found[f"mmd/{pair}"] = mean_own + mean_in - 2 * mean_to
        size, length = np.sqrt(mine_pairs + 0.25) + 0.5, np.sqrt(inside_pairs[lag] + 0.25) + 0.5
        norms = np.sqrt(np.maximum((mine + size) * (inside[lag] + length), 1e-9))
        found[f"cosine/{pair}"] = to / norms
        found[f"own/{pair}"] = mean_own
        empty = to_pairs == 0
        for key in ("excess", "mmd", "cosine", "own"):
            found[f"{key}/{pair}"][empty] = np.nan
    found["next"] = np.where(previous_pairs > 0, previous / np.maximum(previous_pairs, 1), np.nan).astype(np.float32)
    # Back to what it was before: this window is like those before the last, and the last is like neither.
    found["return"] = found["cosine/now|earlier"] - found["cosine/last|earlier"]
    return found


def _to_reference(between: Cube) -> dict[int, Cube]:
    """By lag, (streams, windows) cells of each window's row added up over the windows before it, but the last."""
    here = np.arange(between.shape[1])
    summed = np.cumsum(between, axis=2)
    found = {}
    for lag in (0, 1):
        column = np.zeros(between.shape[:2], dtype=between.dtype)
        kept = here > lag
        column[:, kept] = summed[:, here[kept], here[kept] - 1 - lag]
        found[lag] = column
    return found


def _within(between: Cube) -> dict[int, Cube]:
    """By lag, (streams, windows) cells added up over all pairs of windows before, but the last."""
    both = np.cumsum(np.cumsum(between, axis=1), axis=2)
    here = np.arange(between.shape[1])
    corner = both[:, here, here]
    return {lag: _shifted(corner, lag + 1) for lag in (0, 1)}


def _subjects(compared: Compared, views: ItemViews) -> dict[str, Cube]:
    """Jensen–Shannon divergence of topics' shares, and the Dirichlet–multinomial likelihood ratio."""
    safe = np.where(compared.real, compared.items, 0)
    counts = (views.topics[safe] * compared.real[..., None]).sum(axis=2)
    found: dict[str, Cube] = {}
    past = {lag: before(counts, lag, axis=1) for lag in (0, 1)}
    last = _shifted(counts, 1)
    for pair in PAIRS:
        lag = 0 if pair == "now" else 1
        recent = {"last|earlier": last, "both|earlier": counts + last}.get(pair, counts)
        found[f"topics js/{pair}"] = divergence(past[lag], recent)
        found[f"topics dm/{pair}"] = likelihood_ratio(past[lag], recent, views.topic_shares)
    return found


def divergence(left: NDArray, right: NDArray) -> NDArray[np.float32]:
    """Jensen–Shannon divergence (Lin, 1991) of counts along the last axis, in nats; NaN where one has none."""
    sizes = left.sum(axis=-1, keepdims=True), right.sum(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = left / sizes[0], right / sizes[1]
        middle = (one + two) / 2

        def against(part: NDArray) -> NDArray:
            return np.where(part > 0, part * np.log(part / middle), 0.0).sum(axis=-1)

        value = (against(one) + against(two)) / 2
    return np.where((sizes[0] > 0) & (sizes[1] > 0), value[..., None], np.nan)[..., 0].astype(np.float32)


def likelihood_ratio(left: NDArray, right: NDArray, base: NDArray, weight: float = 10.0) -> NDArray[np.float32]:
    """Log likelihood ratio of two Dirichlet–multinomials against one, of counts along the last axis.

    Args:
        left: counts of the first sample.
        right: counts of the second.
        base: shares that add up to one: the mean of the Dirichlet prior.
        weight: how many counts the prior is worth.
    """

    def evidence(counts: NDArray) -> NDArray:
        total = counts.sum(axis=-1)
        return (
            (gammaln(counts + weight * base) - gammaln(weight * base)).sum(axis=-1)
            + gammaln(weight)
            - gammaln(total + weight)
        )

    return np.asarray(evidence(left) + evidence(right) - evidence(left + right), dtype=np.float32)


def _odds(foreign: dict[int, Cube], real: NDArray[np.bool_]) -> dict[str, Cube]:
    """What the events' odds of being foreign say of a window: their mean, the largest, and of a mixture."""
    found: dict[str, Cube] = {}
    mixed = {}
    for lag in (0, 1):
        odds = np.where(real, foreign[lag], np.nan)
        mixed[lag] = _mixture(odds)
        ordered = -np.sort(-np.where(np.isnan(odds), -np.inf, odds), axis=2)
        third = max(1, odds.shape[2] * 3 // 10)
        half = max(1, odds.shape[2] // 2)
        name = "now" if lag == 0 else "now|earlier"
        found[f"odds/mean/{name}"] = _mean(odds, real)
        found[f"odds/third/{name}"] = _finite(ordered[:, :, :third]).mean(axis=2)
        found[f"odds/half/{name}"] = _finite(ordered[:, :, :half]).mean(axis=2)
        found[f"odds/low/{name}"] = _finite(ordered[:, :, half:]).mean(axis=2)
        found[f"odds/most/{name}"] = _finite(ordered[:, :, 0])
    for key in ("mean", "third", "half", "low"):
        found[f"odds/{key}/last|earlier"] = _shifted(found[f"odds/{key}/now"], 1)
        found[f"odds/{key}/before last"] = _shifted(found[f"odds/{key}/now"], 2)
    last = _shifted(mixed[0], 1)
    for name, table in (
        ("now", mixed[0]),
        ("now|earlier", mixed[1]),
        ("last|earlier", last),
        ("both|earlier", mixed[1] + last),
        # A gradual change: half as many in the window before.
        ("rising|earlier", mixed[1] + last[..., [0, 0, 1, 2, 2, 3, 4]]),
    ):
        found[f"odds/glr/{name}"] = table.max(axis=-1)
        found[f"odds/share/{name}"] = _MIX[table.argmax(axis=-1)]
    # Passed: the last window was foreign and this one is not.
    found["odds/passed"] = last.max(axis=-1) - found["odds/glr/now|earlier"]
    return found


def _mixture(odds: Cube) -> Cube:
    """(streams, windows, shares) log likelihood of a window's events where a share is foreign, against none."""
    ratio = np.exp(np.clip(np.nan_to_num(odds, nan=0.0), -8, 8))
    return np.stack([np.log1p(share * (ratio - 1)).sum(axis=2) for share in _MIX], axis=-1).astype(np.float32)


def _against_past(name: str, now: Cube) -> dict[str, Cube]:
    """A statistic against its own values in the member's windows before: their mean and spread."""
    known = ~np.isnan(now)
    value = np.where(known, now, 0)
    count = before(known.astype(np.float32), 1, axis=1)
    mean = before(value, 1, axis=1) / np.maximum(count, 1)
    square = before(value**2, 1, axis=1) / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square - mean**2, 0) + 0.05 * _VARIANCES[name])
    few = count < 2
    away = np.where(few, np.nan, (now - mean) / np.maximum(spread, 1e-6))
    earlier = np.where(few, np.nan, mean)
    return {f"{name}/against past": away, f"{name}/past": earlier, f"{name}/last against past": _shifted(away, 1)}


def _mean(values: Cube, real: NDArray[np.bool_]) -> Cube:
    count = np.maximum(real.sum(axis=2), 1)
    return np.asarray(np.where(real, values, 0).sum(axis=2) / count, dtype=np.float32)


def _finite(values: Cube) -> Cube:
    return np.where(np.isfinite(values), values, np.nan)


def _shifted(values: NDArray, by: int) -> NDArray:
    """Values of so many windows ago; those of counts are zero, those of scores NaN, before the first."""
    moved = np.zeros_like(values)
    moved[:, by:] = values[:, :-by]
    return moved
