"""The next best action of each member, from a small file of rules that a marketing team writes."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from penchant.errors import ConfigError
from penchant.language import Phrase
from penchant.members.features import FEATURES
from penchant.members.profiles import Profiles
from penchant.members.sections import Configured, members_section
from penchant.members.worth import Worth

_COMPARED: Final[dict[str, Callable[[Any, Any], Any]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_CONDITION: Final = re.compile(r"(>=|<=|>|<)\s*(p\d{1,2}|-?\d+(?:\.\d+)?)")
_NOTHING: Final = Phrase("nothing in particular", "暂无特别建议")


@dataclass(frozen=True)
class Action:
    """One rule: what to do with members for whom all its conditions hold."""

    told: Phrase
    conditions: tuple[tuple[str, str, str], ...]
    """Feature, comparison and threshold of each."""


class ActionsConfig(BaseModel):
    """Where the rules of the next best action are: `[members.actions]` of a workspace's settings.

    >>> ActionsConfig().file is None
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: Path | None = None
    """A YAML file of rules, from the workspace on; None takes those that come with Penchant."""


def actions_of(config: Configured, home: Path) -> tuple[Action, ...]:
    """The rules that a workspace's settings name.

    Args:
        config: the settings.
        home: the folder that the file is within.

    Raises:
        ConfigError: the settings, or a rule, have no meaning.
    """
    found = members_section(config, "actions", ActionsConfig)
    return read_actions(None if found.file is None else home / found.file)


def read_actions(path: Path | None = None) -> tuple[Action, ...]:
    """The rules of a YAML file; those that come with Penchant if none is named.

    Raises:
        ConfigError: the file cannot be read, or a rule has no meaning; the message says which and what to write.
    """
    import yaml

    source = files("penchant.members") / "actions.yaml" if path is None else path
    try:
        rows = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ConfigError(f"the actions in {source} cannot be read: {error}") from error
    if not isinstance(rows, list):
        raise ConfigError(f"{source} holds no list of rules; each begins with `- action:`")
    return tuple(_action(row, number, str(source)) for number, row in enumerate(rows, start=1))


def _action(row: Any, number: int, source: str) -> Action:
    if not isinstance(row, Mapping) or set(row) - {"action", "when"} or "action" not in row:
        raise ConfigError(f"rule {number} of {source} needs `action`, perhaps `when`, and nothing else; found {row!r}")
    told = row["action"]
    if isinstance(told, str):
        told = {"en": told, "zh": told}
    if not isinstance(told, Mapping) or set(told) != {"en", "zh"}:
        raise ConfigError(f"the action of rule {number} of {source} is a text, or one for en and one for zh")
    conditions = []
    for feature, condition in (row.get("when") or {}).items():
        match = _CONDITION.fullmatch(str(condition).strip())
        if match is None:
            raise ConfigError(
                f"rule {number} of {source} asks of {feature!r} {condition!r}; write a comparison and a number, or a "
                'share of members, such as "> 0.5" or ">= p90"'
            )
        conditions.append((str(feature), match[1], match[2]))
    return Action(Phrase(str(told["en"]), str(told["zh"])), tuple(conditions))


def next_actions(made: Profiles, worth: Worth, actions: tuple[Action, ...]) -> list[Phrase]:
    """(members,) the first action whose conditions all hold; a feature that a member lacks fulfils none.

    Args:
        made: profiles.
        worth: of the same members.
        actions: the rules, in order.

    Raises:
        ConfigError: a rule asks for a feature that there is not.
    """
    # A feature that these profiles cannot tell, such as how members feel, is no mistake of the rule's.
    untold = np.full(len(made), np.nan)
    columns: dict[str, NDArray[np.floating]] = dict.fromkeys(FEATURES, untold)
    columns |= {name: made.column(name) for name in made.names}
    columns |= {"returns": worth.returns, "churn": worth.churn, "spend_next": worth.spend}
    chosen: list[Phrase | None] = [None] * len(made)
    for number, action in enumerate(actions, start=1):
        holds = np.ones(len(made), dtype=bool)
        for feature, comparison, threshold in action.conditions:
            if feature not in columns:
                raise ConfigError(f"rule {number} asks for {feature!r}; there are {', '.join(sorted(columns))}")
            values = columns[feature]
            there = ~np.isnan(values)
            if threshold.startswith("p"):
                limit = float(np.quantile(values[there], int(threshold[1:]) / 100)) if there.any() else np.inf
            else:
                limit = float(threshold)
            holds &= there & _COMPARED[comparison](values, limit)
        for row in np.flatnonzero(holds).tolist():
            chosen[row] = chosen[row] or action.told
    return [told or _NOTHING for told in chosen]
