"""Alert rules: figures of the service that must not go above or below a bound, or far from their own usual course."""

import json
import logging
import math
import urllib.request
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, ValidationError, model_validator

from penchant.artifacts import storage_errors
from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.service.alerts import Alerts, Severity

if TYPE_CHECKING:
    from penchant.service.running.metrics import Metrics

_LOG = logging.getLogger("penchant.service")

ABOVE: Final = Phrase(
    "{name}: {metric} is {value:,.4g}, above {bound:,.4g}", "{name}：{metric} 为 {value:,.4g}，高于 {bound:,.4g}"
)
BELOW: Final = Phrase(
    "{name}: {metric} is {value:,.4g}, below {bound:,.4g}", "{name}：{metric} 为 {value:,.4g}，低于 {bound:,.4g}"
)
ODD: Final = Phrase(
    "{name}: {metric} is {value:,.4g}, {spreads:.1f} spreads from its usual {usual:,.4g}",
    "{name}：{metric} 为 {value:,.4g}，偏离常值 {usual:,.4g} 达 {spreads:.1f} 个标准差",
)
_SCALE: Final = 1.4826
"""The median deviation of normal values times this is their standard deviation."""


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    """For people."""
    metric: str = Field(pattern=r"^penchant_[a-z_]+$")
    """As `/v1/metrics` calls it; labels are summed over."""
    rate: bool = False
    """Take the growth a second of a counter in place of its value."""
    severity: Severity = "warning"
    times: PositiveInt = 3
    """Looks in a row that must be beyond before anybody is told."""


class Threshold(_Rule):
    """A bound that a figure must keep to."""

    kind: Literal["threshold"]
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("a threshold needs `above` or `below`")
        return self


class Anomaly(_Rule):
    """A figure that must not leave its own usual course: the median of its last values, in robust spreads."""

    kind: Literal["anomaly"]
    spreads: PositiveFloat = 6.0
    """Robust standard deviations (median deviation × 1.4826) that count as odd."""
    window: int = Field(default=120, ge=10)
    """Last values that say what is usual."""


class Webhook(BaseModel):
    """Whom to tell."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https?://")
    seconds: PositiveFloat = 5.0


class AlertRules(BaseModel):
    """What a rule file holds.

    >>> AlertRules.parse("rules: [{kind: threshold, name: slow, metric: penchant_waiting, above: 50}]").rules[0].times
    3
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    webhook: Webhook | None = None
    rules: list[Annotated[Threshold | Anomaly, Field(discriminator="kind")]]

    @classmethod
    def parse(cls, text: str, *, where: str = "the rules") -> Self:
        """Read rules from YAML.

        Raises:
            ConfigError: they have no meaning.
        """
        try:
            return cls.model_validate(yaml.safe_load(text) or {"rules": []})
        except (yaml.YAMLError, ValidationError) as error:
            if isinstance(error, ValidationError):
                told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            else:
                told = " ".join(str(error).split())
            raise ConfigError(f"{where} cannot be understood: {told}") from None

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a rule file.

        Raises:
            ConfigError: it has no meaning.
            StorageError: it cannot be read.
        """
        with storage_errors(path):
            return cls.parse(path.read_text(encoding="utf-8"), where=str(path))


class Watch:
    """Looks at the figures, and tells the queue and the webhook what is beyond its rule."""

    def __init__(self, rules: AlertRules, metrics: "Metrics", alerts: Alerts) -> None:
        self.rules = rules
        self.metrics = metrics
        self.alerts = alerts
        self._beyond: dict[str, int] = {}
        self._last: dict[str, tuple[float, float]] = {}
        self._course: dict[str, deque[float]] = {}

    def look(self, now: float) -> list[Phrase]:
        """Judge every rule once; what was told of this time.

        Args:
            now: seconds of a clock that never goes back.
        """
        told = []
        for rule in self.rules.rules:
            value = self._value(rule, now)
            if value is None:
                continue
            message = self._judge(rule, value)
            self._beyond[rule.name] = self._beyond.get(rule.name, 0) + 1 if message is not None else 0
            # Told once, when it has lasted; again only after it was well in between.
            if message is not None and self._beyond[rule.name] == rule.times:
                self.alerts.add(rule.name, message, severity=rule.severity)
                self._call(rule, message)
                told.append(message)
        return told

    def _value(self, rule: Threshold | Anomaly, now: float) -> float | None:
        value = self.metrics.value(rule.metric)
        if value is None or not rule.rate:
            return value
        before = self._last.get(rule.name)
        self._last[rule.name] = (now, value)
        if before is None or now <= before[0]:
            return None
        return (value - before[1]) / (now - before[0])

    def _judge(self, rule: Threshold | Anomaly, value: float) -> Phrase | None:
        fields = {"name": rule.name, "metric": rule.metric, "value": value}
        if isinstance(rule, Threshold):
            if rule.above is not None and value > rule.above:
                return _filled(ABOVE, bound=rule.above, **fields)
            if rule.below is not None and value < rule.below:
                return _filled(BELOW, bound=rule.below, **fields)
            return None
        course = self._course.setdefault(rule.name, deque(maxlen=rule.window))
        odd = None
        if len(course) >= min(30, rule.window):
            usual = _median(course)
            spread = _SCALE * _median([abs(one - usual) for one in course])
            # A figure that never moved has no spread; a hundredth of it stands for one.
            spread = max(spread, abs(usual) / 100, 1e-9)
            if abs(value - usual) > rule.spreads * spread:
                odd = _filled(ODD, usual=usual, spreads=abs(value - usual) / spread, **fields)
        if odd is None and math.isfinite(value):
            course.append(value)
        return odd

    def _call(self, rule: Threshold | Anomaly, message: Phrase) -> None:
        if self.rules.webhook is None:
            return
        body = {"rule": rule.name, "severity": rule.severity, "message": message.en, "message_zh": message.zh}
        request = urllib.request.Request(
            self.rules.webhook.url,
            json.dumps(body, ensure_ascii=False).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=self.rules.webhook.seconds):
                pass
        except OSError as error:
            _LOG.warning("webhook not reached", extra={"told": {"rule": rule.name, "why": str(error)}})


def _median(values: "deque[float] | list[float]") -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _filled(phrase: Phrase, **fields: object) -> Phrase:
    return Phrase(phrase("en", **fields), phrase("zh", **fields))
