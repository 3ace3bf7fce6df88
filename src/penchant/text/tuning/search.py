"""Search over configurations within a declared space, judged on validation examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from penchant.errors import ConfigError, MissingExtraError, TrainingError
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Example
from penchant.text.tuning.metrics import SMALLER_IS_BETTER
from penchant.training.options import Options


class Range(BaseModel):
    """Numbers from `low` to `high`, both included; whole ones where both are whole, `log` where magnitude matters.

    >>> Range(low=1e-4, high=1e-2, log=True).log
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: int | float
    high: int | float
    log: bool = False

    @model_validator(mode="after")
    def _in_order(self) -> "Range":
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError(f"a range runs from low to high, above 0 where log; found {self.low} to {self.high}")
        return self


Space = Mapping[str, Range | Sequence[Any]]
"""Fields of `FinetuneConfig` (dotted for those inside, as `adapter.rank`), each with a range or a list of choices."""


class SearchConfig(BaseModel):
    """How long to search.

    >>> SearchConfig(trials=5).seed
    0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    trials: int = Field(default=20, ge=1)
    """Configurations tried."""
    seconds: float | None = Field(default=None, gt=0)
    """Stop starting new trials after this long."""
    seed: int = 0
    """Of the choice of configurations; the runs themselves all use the seed of the options."""


@dataclass(frozen=True)
class Trial:
    """One configuration and what it reached."""

    values: dict[str, Any]
    score: float | None
    """The metric on the validation examples; None where the run failed."""
    failure: str = ""


@dataclass(frozen=True)
class Found:
    """The best configuration, and all that were tried."""

    config: FinetuneConfig
    score: float
    metric: str
    trials: tuple[Trial, ...]


def search(
    encoder: TransformerEncoder,
    examples: Sequence[Example],
    validation: Sequence[Example],
    space: Space,
    config: FinetuneConfig | None = None,
    options: Options | None = None,
    *,
    settings: SearchConfig | None = None,
) -> Found:
    """Tune with configurations from the space; the one that does best on the validation examples.

    Optuna's tree-structured Parzen estimator (Bergstra et al., 2011) picks them.

    Args:
        encoder: as for `finetune`.
        examples: as for `finetune`.
        validation: what the configurations are judged on; the best epoch of each counts.
        space: what may vary, and how far.
        config: everything that does not vary.
        options: device, precision, seed of each run.
        settings: how many trials.

    Raises:
        ConfigError: the space names a field that there is not, or there is nothing to judge on.
        TrainingError: every trial failed.
        MissingExtraError: Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise MissingExtraError("optuna", "train") from None
    from penchant.text.finetune import finetune

    if not validation or not space:
        raise ConfigError("a search needs validation examples to judge on, and a space to search in")
    config, settings = config or FinetuneConfig(), settings or SearchConfig()
    for name, choice in space.items():
        value = choice.low if isinstance(choice, Range) else choice[0]
        _with(config, {name: value})
    trials: list[Trial] = []
    metric = ""

    def objective(trial: optuna.Trial) -> float:
        nonlocal metric
        values = {name: _suggested(trial, name, choice) for name, choice in space.items()}
        try:
            report = finetune(encoder, examples, _with(config, values), options, validation=validation).report
        except (TrainingError, ConfigError) as error:
            trials.append(Trial(values, None, str(error)))
            raise optuna.TrialPruned from error
        assert report.best is not None
        metric = report.metric
        trials.append(Trial(values, report.best))
        return -report.best if metric in SMALLER_IS_BETTER else report.best

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        sampler = optuna.samplers.TPESampler(seed=settings.seed)
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.optimize(objective, n_trials=settings.trials, timeout=settings.seconds)
    finally:
        optuna.logging.set_verbosity(level)
    done = [trial for trial in trials if trial.score is not None]
    if not done:
        raise TrainingError(f"all {len(trials)} trials failed; the last said: {trials[-1].failure}")
    sign = -1 if metric in SMALLER_IS_BETTER else 1
    best = max(done, key=lambda trial: sign * (trial.score or 0.0))
    return Found(_with(config, best.values), best.score or 0.0, metric, tuple(trials))


def _suggested(trial: Any, name: str, choice: Range | Sequence[Any]) -> Any:
    if not isinstance(choice, Range):
        return choice[trial.suggest_int(name, 0, len(choice) - 1)]
    if isinstance(choice.low, int) and isinstance(choice.high, int):
        return trial.suggest_int(name, choice.low, choice.high, log=choice.log)
    return trial.suggest_float(name, choice.low, choice.high, log=choice.log)


def _with(config: FinetuneConfig, values: Mapping[str, Any]) -> FinetuneConfig:
    """The configuration with some fields replaced, dotted ones inside."""
    fields = config.model_dump()
    for name, value in values.items():
        *path, last = name.split(".")
        place = fields
        for part in path:
            if not isinstance(place.get(part), dict):
                place[part] = {}
            place = place[part]
        place[last] = value
    try:
        return FinetuneConfig.model_validate(fields)
    except ValidationError as error:
        raise ConfigError(f"the space does not fit the configuration: {error}") from error
