"""Business rules: what a shop wants shown more, less, first, never, or not too often, from a YAML file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, TypeAdapter, ValidationError

from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.recommend.selectors import Selector


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Boost(_Rule):
    """Show some items more."""

    do: Literal["boost"]
    by: PositiveFloat
    """How far their scores are raised, in standard deviations of the member's scores."""
    items: Selector


class Bury(_Rule):
    """Show some items less."""

    do: Literal["bury"]
    by: PositiveFloat
    """How far their scores are lowered, in standard deviations of the member's scores."""
    items: Selector


class Pin(_Rule):
    """Show the best of some items at a place, whatever its score, to whoever may be shown it."""

    do: Literal["pin"]
    at: PositiveInt
    """The place, counted from 1."""
    items: Selector


class Exclude(_Rule):
    """Show some items to nobody."""

    do: Literal["exclude"]
    items: Selector


class Cap(_Rule):
    """Show at most so many of some items in one list, or of every category or seller."""

    do: Literal["cap"]
    most: PositiveInt
    """How many at most."""
    per: Literal["category", "seller"] | None = None
    """Count for each category or seller apart; all the items together if absent."""
    level: PositiveInt | None = None
    """Levels of a category that are told apart, such as 1 for "家电" of "家电 > 冰箱"; all if absent."""
    items: Selector | None = None
    """Which items are counted; all if absent."""


Rule = Boost | Bury | Pin | Exclude | Cap
_RULE: Final[TypeAdapter[Rule]] = TypeAdapter(Annotated[Rule, Field(discriminator="do")])
_KINDS: Final[dict[str, type[_Rule]]] = {"boost": Boost, "bury": Bury, "pin": Pin, "exclude": Exclude, "cap": Cap}
EXAMPLE: Final = "- {do: boost, by: 0.5, items: {tag: new}}"


@dataclass(frozen=True)
class BusinessRules:
    """The rules of a file, each with the line it starts at.

    >>> found = BusinessRules.parse("- do: cap\\n  per: seller\\n  most: 2\\n- {do: exclude, items: {seller: acme}}")
    >>> [rule.do for rule in found.rules], found.lines
    (['cap', 'exclude'], (1, 4))
    """

    rules: tuple[Rule, ...] = ()
    lines: tuple[int, ...] = ()
    name: str = "the rules"
    """The file they stand in."""

    @classmethod
    def read(cls, path: Path | str) -> "BusinessRules":
        """Read a rule file.

        Raises:
            ConfigError: the file cannot be read or holds a mistake; the message names the line and the fix.
        """
        try:
            text = Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ConfigError(f"cannot read the rule file {path}: {error.strerror}; correct `rules_file`") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"the rule file {path} is not UTF-8 ({error.reason}); save it as UTF-8") from error
        return cls.parse(text, name=str(path))

    @classmethod
    def parse(cls, text: str, *, name: str = "the rules") -> "BusinessRules":
        """Rules from the text of a file, by whose name mistakes are told.

        Raises:
            ConfigError: the text holds a mistake; the message names the line and the fix.
        """
        loader = yaml.SafeLoader(text)
        try:
            tree = loader.get_single_node()
            _refuse_doubles(tree, name)
            given = loader.construct_document(tree) if tree is not None else []
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{name}, line {mark.line + 1}" if mark else name
            raise ConfigError(f"{where}: this is not YAML: {error.problem}; a rule looks like {EXAMPLE}") from error
        except (yaml.YAMLError, ValueError) as error:
            raise ConfigError(f"{name} is not YAML: {error}; a rule looks like {EXAMPLE}") from error
        finally:
            loader.dispose()
        if not isinstance(given, list):
            raise ConfigError(f"{name}, line 1: found {_named(given)}, wanted a list of rules such as {EXAMPLE}")
        nodes = tree.value if tree is not None else []
        rules = tuple(_rule(one, node, name) for one, node in zip(given, nodes, strict=True))
        found = cls(rules, tuple(_line(node) for node in nodes), name)
        found._refuse_shared_places()
        return found

    def excluded(self, community: Community) -> NDArray[np.bool_]:
        """(items,) True where a rule excludes an item for everyone."""
        out = np.zeros(len(community.items), dtype=np.bool_)
        for rule in self.rules:
            if isinstance(rule, Exclude):
                out |= rule.items.mask(community)
        return out

    def where(self, number: int) -> str:
        """The file and line of a rule."""
        return f"{self.name}, line {self.lines[number]}"

    def _refuse_shared_places(self) -> None:
        places: dict[int, int] = {}
        for number, rule in enumerate(self.rules):
            if isinstance(rule, Pin) and (first := places.setdefault(rule.at, number)) != number:
                raise ConfigError(
                    f"{self.where(number)}: place {rule.at} is pinned already in line {self.lines[first]}; give one "
                    "of them another `at`, or name the items of both in one rule"
                )


def _rule(given: object, node: yaml.Node, name: str) -> Rule:
    where = f"{name}, line {_line(node)}"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{where}: found {_named(given)}, wanted a rule such as {EXAMPLE}")
    if "do" not in given:
        near = [key for key in given if key in _KINDS]
        hint = f"write `do: {near[0]}`" if near else f"say what to do: {', '.join(_KINDS)}"
        raise ConfigError(f"{where}: this rule has no `do`; {hint}, as in {EXAMPLE}")
    try:
        return _RULE.validate_python(given)
    except ValidationError as error:
        # The first place of a problem names the kind of rule, which stands nowhere in the file.
        problem = error.errors()[0]
        path = [part for part in problem["loc"] if part not in _KINDS]
        line = _line(_at(node, path if problem["type"] != "union_tag_invalid" else ["do"]))
        raise ConfigError(f"{name}, line {line}: {_told(problem, path, given)}") from None


def _told(problem: Any, path: Sequence[str | int], given: Mapping[Any, Any]) -> str:
    """What is wrong with a rule, and how to set it right."""
    what, found = problem["type"], problem["input"]
    field = ".".join(str(part) for part in path)
    if what == "union_tag_invalid":
        return f"`do` is {given['do']!r}; {_suggest(str(given['do']), list(_KINDS))}"
    if what == "extra_forbidden":
        fields = _KINDS[given["do"]] if len(path) == 1 else Selector
        return f"`{field}` means nothing here; {_suggest(str(path[-1]), list(fields.model_fields))}"
    if what == "missing":
        return f"a rule that says `do: {given['do']}` needs `{field}`; add it"
    message = problem["msg"].removeprefix("Value error, ")
    if what == "value_error":
        return f"`{field}`: {message}"
    return f"`{field}` is {found!r}; {message[:1].lower()}{message[1:]}"


def _suggest(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, n=1)
    return (f"did you mean `{near[0]}`? " if near else "") + f"there are {', '.join(known)}"


def _at(node: yaml.Node, path: Sequence[str | int]) -> yaml.Node:
    """The node at a place below another, or the last one on the way there."""
    for part in path:
        if isinstance(node, yaml.MappingNode):
            keyed = {key.value: (key, value) for key, value in node.value}
            if part not in keyed:
                return node
            key, value = keyed[part]
            # A scalar stands beside its key, and a key that means nothing is itself the mistake.
            node = key if isinstance(value, yaml.ScalarNode) else value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
    return node


def _refuse_doubles(node: yaml.Node | None, name: str) -> None:
    """YAML keeps the last of two equal keys and says nothing; a rule half lost is worse than none."""
    if isinstance(node, yaml.MappingNode):
        keys: dict[str, int] = {}
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and (first := keys.setdefault(key.value, _line(key))) != _line(key):
                raise ConfigError(
                    f"{name}, line {_line(key)}: `{key.value}` stands twice, first in line {first}; keep one of them"
                )
            _refuse_doubles(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_doubles(value, name)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _named(given: object) -> str:
    return "a mapping" if isinstance(given, Mapping) else "a list" if isinstance(given, list) else repr(given)
