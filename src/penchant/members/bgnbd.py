"""Buy till you die: how many purchase days to expect of a member, and of what money, from three numbers a member.

BG/NBD (Fader, Hardie and Lee, 2005): while alive a member buys at a rate of their own, and after any purchase may leave
for good. Gamma-Gamma (Fader and Hardie, 2005): each member's purchases scatter about a mean of their own. Both are the
baselines of a shop that knows no more than dates and sums.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from penchant.errors import TooLittleDataError

Numbers = NDArray[np.float64]
_FEWEST = 20


@dataclass(frozen=True)
class BgNbd:
    """Purchase rates with shape `r` and scale `alpha`, chances of leaving with shapes `a` and `b`; time in days."""

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(cls, repeats: Numbers, last: Numbers, age: Numbers) -> "BgNbd":
        """The likeliest parameters.

        Args:
            repeats: (members,) purchase days after the first.
            last: (members,) days from the first to the last of them.
            age: (members,) days from the first to now.

        Raises:
            TooLittleDataError: there are hardly any members.
        """
        if len(repeats) < _FEWEST:
            raise TooLittleDataError(
                f"{len(repeats)} members have bought; {_FEWEST} are wanted for a model of purchases"
            )
        scale = max(float(age.max()), 1.0)
        x, t_x, t = repeats, last / scale, np.maximum(age / scale, 1e-6)

        def loss(logs: Numbers) -> float:
            r, alpha, a, b = np.exp(np.clip(logs, -8, 8))
            first = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
            second = gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
            alive = -(r + x) * np.log(alpha + t)
            gone = np.where(
                x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf
            )
            return -float(np.mean(first + second + np.logaddexp(alive, gone))) + 1e-3 * float(np.square(logs).sum())

        found = minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=[(-8, 8)] * 4)
        r, alpha, a, b = np.exp(found.x)
        return cls(float(r), float(alpha * scale), float(a), float(b))

    def alive(self, repeats: Numbers, last: Numbers, age: Numbers) -> Numbers:
        """(members,) probability that each has not left."""
        odds = (
            self.a
            / (self.b + np.maximum(repeats, 1) - 1)
            * np.exp((self.r + repeats) * (np.log(self.alpha + age) - np.log(self.alpha + last)))
        )
        return np.where(repeats > 0, 1 / (1 + odds), 1.0)

    def purchases(self, repeats: Numbers, last: Numbers, age: Numbers, days: float) -> Numbers:
        """(members,) purchase days to expect in the next days."""
        a, b, r, alpha = self.a, self.b, self.r, self.alpha
        z = days / (alpha + age + days)
        curve = hyp2f1(r + repeats, b + repeats, a + b + repeats - 1, z)
        first = (a + b + repeats - 1) / (a - 1) if abs(a - 1) > 1e-6 else (a + b + repeats - 1) / 1e-6
        ratio = np.exp((r + repeats) * (np.log(alpha + age) - np.log(alpha + age + days)))
        expected = first * (1 - ratio * curve) * self.alive(repeats, last, age)
        return np.clip(np.nan_to_num(expected, nan=0.0, posinf=0.0, neginf=0.0), 0.0, days)


@dataclass(frozen=True)
class GammaGamma:
    """Mean purchases with shapes `p` and `q` and scale `v`."""

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, orders: Numbers, mean: Numbers) -> "GammaGamma":
        """The likeliest parameters.

        Args:
            orders: (members,) purchase days.
            mean: (members,) money a purchase day, above zero.

        Raises:
            TooLittleDataError: there are hardly any members.
        """
        if len(orders) < _FEWEST:
            raise TooLittleDataError(f"{len(orders)} members have bought; {_FEWEST} are wanted for a model of money")
        scale = float(np.median(mean))
        x, m = orders, mean / scale

        def loss(logs: Numbers) -> float:
            p, q, v = np.exp(np.clip(logs, -8, 8))
            value = gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(v)
            value += (p * x - 1) * np.log(m) + p * x * np.log(x) - (p * x + q) * np.log(v + x * m)
            return -float(np.mean(value)) + 1e-3 * float(np.square(logs).sum())

        found = minimize(loss, np.array([1.0, 1.0, 0.0]), method="L-BFGS-B", bounds=[(-8, 8)] * 3)
        p, q, v = np.exp(found.x)
        return cls(float(p), float(q), float(v * scale))

    def mean(self, orders: Numbers, mean: Numbers) -> Numbers:
        """(members,) money a purchase day to expect: one's own mean, drawn towards everybody's while orders are few."""
        everybody = self.v * self.p / max(self.q - 1, 0.05)
        weight = self.p * orders / (self.p * orders + max(self.q - 1, 0.05))
        return (1 - weight) * everybody + weight * mean
