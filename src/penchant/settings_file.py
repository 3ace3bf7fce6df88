"""Sections of a `penchant.toml`: read by the class that knows them, and written anew, all else left as it stands."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from penchant.artifacts import write_atomically
from penchant.errors import ConfigError

_TABLE: Final = re.compile(r"^\s*\[\[?\s*(?P<name>[^\]]+?)\s*\]\]?\s*(?:#.*)?$")

_Config = TypeVar("_Config", bound=BaseModel)


def understood(kind: type[_Config], given: Mapping[str, Any], where: str) -> _Config:
    """Settings as their class understands them.

    Args:
        kind: the class.
        given: what somebody wrote.
        where: the subject of the message: who has settings.

    Raises:
        ConfigError: something in it has no meaning.

    >>> from penchant.members.segments import SegmentConfig
    >>> understood(SegmentConfig, {"count": 0}, "[members.segments] has settings")
    Traceback (most recent call last):
    penchant.errors.ConfigError: [members.segments] has settings without meaning: count: Input should be greater than 0
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in error.errors()]
        raise ConfigError(f"{where} without meaning: {'; '.join(problems)}") from None


def write_settings(path: Path, section: str, settings: Mapping[str, Any]) -> None:
    """Put settings into a section of the file; what the section says already is kept, its comments above it.

    Args:
        path: of the file; it is written whole or not at all.
        section: such as `recommend`.
        settings: path within the section, such as `settings.ease.regularization`, to value.

    Raises:
        ConfigError: the file is no TOML, or cannot take the settings as it is written.
        StorageError: it cannot be written.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        document: dict[str, Any] = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    for name, value in settings.items():
        _put(document.setdefault(section, {}), name.split("."), value)
    written = _without(text, section)
    kept, comments = written
    found = "\n".join([kept.rstrip(), "", *comments, *_lines(document[section], (section,))]).lstrip("\n") + "\n"
    try:
        same = tomllib.loads(found) == document
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        lines = "\n".join(_lines(document[section], (section,)))
        raise ConfigError(
            f"{path} writes [{section}] in a form that cannot be changed by program; write there:\n{lines}"
        )
    write_atomically(path, found.encode())


def _without(text: str, section: str) -> tuple[str, list[str]]:
    """The text without the tables of a section, and the comments that stood in them."""
    kept: list[str] = []
    comments: list[str] = []
    inside = False
    for line in text.splitlines():
        table = _TABLE.match(line)
        if table:
            name = table["name"].strip('"')
            inside = name == section or name.startswith(f"{section}.")
        if not inside:
            kept.append(line)
        elif line.lstrip().startswith("#"):
            comments.append(line)
    return "\n".join(kept), comments


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    if value is None:
        document.pop(path[-1], None)
    else:
        document[path[-1]] = value


def _lines(table: Mapping[str, Any], name: tuple[str, ...]) -> list[str]:
    """A table as TOML: its values first, then the tables in it that hold tables or more than a few values."""
    plain = {key: value for key, value in table.items() if not _is_large(value)}
    lines = [f"[{'.'.join(map(_key, name))}]"] if plain or not table else []
    lines += [f"{_key(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if key not in plain:
            lines += ["", *_lines(value, (*name, key))] if lines else _lines(value, (*name, key))
    return lines


def _is_large(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and (len(value) > 2 or any(isinstance(inner, Mapping) for inner in value.values()))
    )


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_key(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
