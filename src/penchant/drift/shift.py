"""How far two windows are apart, by every measure that needs no training, and which items that comes from."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from penchant.drift.likeness import before
from penchant.drift.statistics import divergence, likelihood_ratio
from penchant.drift.windows import NOTHING
from penchant.errors import ConfigError, InputError, TooLittleDataError
from penchant.vectors import Floats, Rows, unit_rows

Kernel = Literal["linear", "gaussian"]
Measure = Literal["cosine", "mmd", "energy", "nearest"]


@dataclass(frozen=True)
class Shift:
    """A measure of two samples, and how likely one so large is where nothing has changed; None where not tried."""

    value: float
    p_value: float | None = None


def cosine_shift(past: Floats, recent: Floats) -> Shift:
    """One minus the cosine of the two samples' mean vectors: 0 where they point the same way, 2 where opposite.

    >>> cosine_shift(np.eye(2, dtype=np.float32), np.eye(2, dtype=np.float32)).value
    0.0
    """
    _check(past, recent)
    means = unit_rows(np.stack([past.mean(axis=0), recent.mean(axis=0)]))
    return Shift(round(float(1 - means[0] @ means[1]), 6))


def mmd(
    past: Floats,
    recent: Floats,
    *,
    kernel: Kernel = "gaussian",
    bandwidth: float | None = None,
    permutations: int = 0,
    seed: int = 0,
) -> Shift:
    """Squared maximum mean discrepancy, unbiased (Gretton et al., 2012): 0 on average where nothing has changed.

    Args:
        past: (events, width), two at least.
        recent: (events, width), two at least.
        kernel: inner product, which sees means alone, or Gaussian, which sees all of a distribution.
        bandwidth: of the Gaussian; the median distance of all pairs if absent.
        permutations: shuffles of past and recent events for the p-value; none are made for 0.
        seed: of the shuffles.

    >>> rng = np.random.default_rng(0)
    >>> first, second = rng.normal(size=(40, 3)), rng.normal(1.0, size=(20, 3))
    >>> mmd(first, second, permutations=200).p_value < 0.01 < mmd(first, first[::-2], permutations=200).p_value
    True
    """
    _check(past, recent, least=2)
    return _tested(_kernel(np.concatenate([past, recent]), kernel, bandwidth), len(past), permutations, seed)


def energy_distance(past: Floats, recent: Floats, *, permutations: int = 0, seed: int = 0) -> Shift:
    """Energy distance (Székely and Rizzo, 2013), unbiased: MMD with the negative Euclidean distance as its kernel.

    >>> energy_distance(np.array([[0.0], [0.0]]), np.array([[1.0], [1.0]])).value
    2.0
    """
    _check(past, recent, least=2)
    return _tested(-_distances(np.concatenate([past, recent])), len(past), permutations, seed)


def topic_shift(past: NDArray, recent: NDArray) -> Shift:
    """Jensen–Shannon divergence of topics' counts, in nats: from 0 to log 2."""
    return Shift(float(divergence(np.asarray(past, float), np.asarray(recent, float))))


def multinomial_ratio(past: NDArray, recent: NDArray, base: NDArray | None = None, weight: float = 10.0) -> Shift:
    """Log likelihood ratio of two Dirichlet–multinomials against one, of topics' counts: above 0 speaks for a change.

    >>> multinomial_ratio([9, 0], [0, 9]).value > 2 > 0 > multinomial_ratio([5, 4], [4, 5]).value
    True
    """
    left, right = np.asarray(past, float), np.asarray(recent, float)
    base = np.full(len(left), 1 / len(left)) if base is None else base
    return Shift(float(likelihood_ratio(left, right, base, weight)))


def nearest_pairs(past: Floats, recent: Floats) -> Shift:
    """One minus how like each recent event is to the most similar past one, on average; of unit vectors.

    >>> nearest_pairs(np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[:2]).value
    0.0
    """
    _check(past, recent)
    return Shift(float(1 - (recent @ past.T).max(axis=1).mean()))


def items_responsible(past: Floats, recent: Floats, *, most: int = 5, by: Measure = "cosine") -> Rows:
    """Places of the recent events that carry a shift, the one that carries most first.

    Under `cosine`, `mmd` and `energy` an event carries what the witness function says at its place, the difference of
    the two samples' mean kernels; under `nearest` how unlike it is to the most similar past event.

    Args:
        past: (events, width).
        recent: (events, width).
        most: places given.
        by: the measure that is to be explained.

    Raises:
        ConfigError: there is no such measure.

    >>> items_responsible(np.array([[1.0, 0.0]] * 3), np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), most=1).tolist()
    [1]
    """
    _check(past, recent)
    if by not in get_args(Measure):
        raise ConfigError(f"no measure is called {by!r}; there are {', '.join(get_args(Measure))}")
    if by == "nearest":
        witness = -(recent @ past.T).max(axis=1)
    else:
        rows = np.concatenate([past, recent])
        similar = -_distances(rows) if by == "energy" else _kernel(rows, "gaussian" if by == "mmd" else "linear", None)
        own = similar[len(past) :]
        witness = own[:, len(past) :].mean(axis=1) - own[:, : len(past)].mean(axis=1)
    return np.argsort(-witness, kind="stable")[:most]


def topics_responsible(past: NDArray, recent: NDArray, *, most: int = 3) -> Rows:
    """Places of the topics that carry the divergence of two samples' counts, the one that carries most first.

    >>> topics_responsible([9, 1, 5], [1, 9, 5], most=2).tolist()
    [0, 1]
    """
    left, right = (np.asarray(part, dtype=float) / max(np.sum(part), 1e-9) for part in (past, recent))
    middle = (left + right) / 2
    # Jensen–Shannon is a sum over topics; where neither has any, nothing is added.
    carried = sum(
        np.where(part > 0, part * np.log(np.maximum(part, 1e-300) / np.maximum(middle, 1e-300)), 0.0)
        for part in (left, right)
    )
    return np.argsort(-carried, kind="stable")[:most]


def energy_distances(items: NDArray[np.int32], vectors: Floats, *, at_once: int = 200) -> NDArray[np.float32]:
    """(streams, windows) unbiased energy distance of each window from all before it; NaN for the first.

    Args:
        items: (streams, windows, events) item rows, `NOTHING` in empty places.
        vectors: (items, width).
        at_once: streams compared at a time.
    """
    streams, windows, width = items.shape
    found = np.full((streams, windows), np.nan, dtype=np.float32)
    here = np.arange(windows)
    for begin in range(0, streams, at_once):
        part = items[begin : begin + at_once]
        real = (part != NOTHING).reshape(len(part), -1)
        placed = vectors[np.where(real, part.reshape(len(part), -1), 0)]
        square = (placed**2).sum(axis=2)
        apart = np.sqrt(np.maximum(square[:, :, None] + square[:, None] - 2 * placed @ placed.transpose(0, 2, 1), 0))
        apart *= real[:, :, None] * real[:, None, :]
        every = np.arange(apart.shape[1])
        apart[:, every, every] = 0
        between = apart.reshape(len(part), windows, width, windows, width).sum(axis=(2, 4))
        sizes = real.reshape(len(part), windows, width).sum(axis=2).astype(np.float64)
        to = before(between, 0, axis=2)[:, here, here]
        own = between[:, here, here]
        inside = before(np.diff(np.cumsum(np.cumsum(between, 1), 2)[:, here, here], axis=1, prepend=0), 0, axis=1)
        length = before(sizes, 0, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = 2 * to / (sizes * length) - own / (sizes * (sizes - 1)) - inside / (length * (length - 1))
        found[begin : begin + at_once] = np.where((length > 1) & (sizes > 1), value, np.nan)
    return found


def _tested(similar: NDArray, count: int, permutations: int, seed: int) -> Shift:
    """MMD of the first `count` rows of a kernel matrix against the rest, and the share of shuffles as large."""
    total = len(similar)
    np.fill_diagonal(similar, 0)
    rng = np.random.default_rng(seed)
    chosen = np.zeros((permutations + 1, total))
    chosen[0, :count] = 1
    for row in chosen[1:]:
        row[rng.permutation(total)[:count]] = 1
    others = 1 - chosen
    rest = total - count
    first = ((chosen @ similar) * chosen).sum(axis=1) / (count * (count - 1))
    second = ((others @ similar) * others).sum(axis=1) / (rest * (rest - 1))
    values = first + second - 2 * ((chosen @ similar) * others).sum(axis=1) / (count * rest)
    if not permutations:
        return Shift(float(values[0]))
    # The sample itself is one of the shuffles, so that no p-value is zero.
    return Shift(float(values[0]), float((values >= values[0] - 1e-12).mean()))


def _kernel(rows: Floats, kernel: Kernel, bandwidth: float | None) -> NDArray:
    if kernel == "linear":
        return np.asarray(rows @ rows.T, dtype=np.float64)
    if kernel != "gaussian":
        raise ConfigError(f"no kernel is called {kernel!r}; there are linear and gaussian")
    apart = _distances(rows)
    width = bandwidth or float(np.median(apart[np.triu_indices(len(apart), 1)])) or 1.0
    return np.exp(-((apart / width) ** 2) / 2)


def _distances(rows: Floats) -> NDArray:
    wide = np.asarray(rows, dtype=np.float64)
    square = (wide**2).sum(axis=1)
    return np.sqrt(np.maximum(square[:, None] + square - 2 * wide @ wide.T, 0))


def _check(past: Floats, recent: Floats, *, least: int = 1) -> None:
    if past.ndim != 2 or recent.ndim != 2 or past.shape[1] != recent.shape[1]:
        raise InputError(f"samples of shape {past.shape} and {recent.shape}; give rows of one width")
    if min(len(past), len(recent)) < least:
        raise TooLittleDataError(f"{len(past)} past and {len(recent)} recent events; {least} of either are wanted")
