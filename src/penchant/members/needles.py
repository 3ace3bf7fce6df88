"""What to look for where a member may have left something: their id, and what they alone have written."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

SHORTEST_ID: Final = 4
SHORTEST_TEXT: Final = 6
"""Characters (a letter that is not Chinese counts half) below which a text is a phrase that anybody uses."""

_BEFORE: Final = r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9][.-])"
_AFTER: Final = r"(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"


@dataclass(frozen=True)
class Needles:
    """What tells of one member wherever it stands.

    An id such as 42, or a text such as "好", stands in many a file and tells of nobody there. Such ids are looked for
    as whole values alone, and such texts not at all outside of the member's own rows.

    >>> needles = Needles.of("anna.b", ["The kettle leaks at the lid, alas", "ok"])
    >>> needles.replaced("seen with anna.b, anna.bell", "x"), needles.replaced("ok", "x")
    ('seen with x, anna.bell', 'ok')
    """

    member_id: str
    texts: tuple[str, ...]
    """Those that are long enough to tell, and that nobody else has written."""

    @classmethod
    def of(cls, member_id: str, texts: Iterable[str], common: Iterable[str] = ()) -> "Needles":
        """What tells of a member.

        Args:
            member_id: whose.
            texts: all they have written.
            common: texts that stand for something else too: titles, labels, what others wrote.
        """
        known = {text.strip() for text in common}
        written = dict.fromkeys(text.strip() for text in texts)
        telling = [text for text in written if text not in known and _length(text) >= SHORTEST_TEXT]
        # The longest first, so that a text inside another leaves no rest of it.
        return cls(member_id, tuple(sorted(telling, key=len, reverse=True)))

    @property
    def id_tells(self) -> bool:
        """Whether the id is found inside longer texts too."""
        return len(self.member_id) >= SHORTEST_ID and not (self.member_id.isdecimal() and len(self.member_id) < 6)

    @cached_property
    def _id_inside(self) -> "re.Pattern[str]":
        # Letters of a script without spaces may stand right beside an id; "anna-2" and "anna.b" are not "anna".
        return re.compile(rf"{_BEFORE}{re.escape(self.member_id)}{_AFTER}")

    def is_in(self, value: str) -> bool:
        """Whether a text tells of the member."""
        if value == self.member_id:
            return True
        if self.id_tells and self.member_id in value and self._id_inside.search(value):
            return True
        return any(text in value for text in self.texts)

    def replaced(self, value: str, name: str) -> str:
        """The value with another name for the member, and without what they wrote."""
        if value == self.member_id:
            return name
        for text in self.texts:
            value = value.replace(text, "")
        return self._id_inside.sub(lambda _: name, value) if self.id_tells and self.member_id in value else value

    @cached_property
    def _spellings(self) -> tuple["re.Pattern[bytes]", ...]:
        """Everything as bytes, as files may spell it: UTF-8, UTF-16, and JSON with and without escapes."""
        found: dict[bytes, None] = {}
        for value in [*([self.member_id] if self.id_tells else []), *self.texts]:
            before, after = (_BEFORE, _AFTER) if value == self.member_id else ("", "")
            for spelled in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
                escaped = re.escape(spelled.encode("utf-8", "surrogatepass"))
                found[before.encode() + escaped + after.encode()] = None
            found[re.escape(value.encode("utf-16-le", "surrogatepass"))] = None
        return tuple(re.compile(spelled) for spelled in found)

    def is_in_bytes(self, content: bytes) -> bool:
        """Whether bytes hold the id or a text, however a file spells them."""
        return any(spelled.search(content) for spelled in self._spellings)

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest thing looked for, at most."""
        return max((6 * len(value) + 4 for value in (self.member_id, *self.texts)), default=0)

    def walk(self, value: Any, name: str) -> Any:
        """A JSON value with every text in it, keys as well, `replaced`."""
        return _walked(value, lambda text: self.replaced(text, name))

    def any_in(self, value: Any) -> bool:
        """Whether any text of a JSON value, or of a nested cell, tells of the member."""
        if isinstance(value, str):
            return self.is_in(value)
        if isinstance(value, dict):
            return any(self.any_in(part) for pair in value.items() for part in pair)
        return isinstance(value, list | tuple) and any(self.any_in(part) for part in value)


def _walked(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _walked(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [_walked(part, change) for part in value]
    return value


def _length(text: str) -> float:
    return sum(1.0 if "\u3400" <= character <= "\u9fff" else 0.5 for character in text)
