"""What to look for where a member may have left something: their id, and what they alone have written."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

SHORTEST_ID: Final = 4
SHORTEST_TEXT: Final = 6
"""Characters (a letter that is not Chinese counts half) below which a text is a phrase that anybody uses."""

_OF_THINGS: Final = re.compile(r"item|seller|title|label|categor|tag|kind|sha256|encoder", re.IGNORECASE)
_OF_MEMBERS: Final = re.compile(
    r"member|user|customer|client|person|people|friend|other_id|follow|typical|owner|writer|会员|用户|顾客",
    re.IGNORECASE,
)
"""Keys and columns that say whose the ids under them are."""
_BEFORE: Final = r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9][.-])"
_AFTER: Final = r"(?![A-Za-z0-9_]|[.-][A-Za-z0-9])"


@dataclass(frozen=True)
class Needles:
    """What tells of one member wherever it stands.

    An id such as 42, or one that an item has too, stands in many a file and tells of nobody there. Such ids are looked
    for as whole values under keys that name members alone; and texts such as "好" not at all outside of the member's
    own rows.

    >>> needles = Needles.of("anna.b", ["The kettle leaks at the lid, alas", "ok"])
    >>> needles.replaced("seen with anna.b, anna.bell", "x"), needles.replaced("ok", "x")
    ('seen with x, anna.bell', 'ok')
    """

    member_id: str
    texts: tuple[str, ...]
    """Those that are long enough to tell, and that nobody else has written."""
    shared: bool = False
    """Whether something else, such as an item, has the same id: it is then the member's only where a key says so."""

    @classmethod
    def of(cls, member_id: str, texts: Iterable[str], common: Iterable[str] = (), ids: Iterable[str] = ()) -> "Needles":
        """What tells of a member.

        Args:
            member_id: whose.
            texts: all they have written.
            common: texts that stand for something else too: titles, labels, what others wrote.
            ids: of other things than members.
        """
        known = {text.strip() for text in common}
        written = dict.fromkeys(text.strip() for text in texts)
        telling = [text for text in written if text not in known and _length(text) >= SHORTEST_TEXT]
        # The longest first, so that a text inside another leaves no rest of it.
        return cls(member_id, tuple(sorted(telling, key=len, reverse=True)), member_id in set(ids) | known)

    @property
    def id_tells(self) -> bool:
        """Whether the id is the member's wherever it stands, and not a number or a word like any other."""
        short = len(self.member_id) < SHORTEST_ID or (self.member_id.isdecimal() and len(self.member_id) < 6)
        return not short and not self.shared

    def context(self, key: str | None, around: bool | None = None) -> bool:
        """Whether an id under a key, or in a column of that name, is a member's.

        Args:
            key: of a mapping, or name of a column; None where there is none.
            around: what holds where the key does not say.
        """
        if key is not None:
            if _OF_THINGS.search(key):
                return self.id_tells
            if _OF_MEMBERS.search(key):
                return True
        return self.id_tells if around is None else around

    @cached_property
    def _id_inside(self) -> "re.Pattern[str]":
        # Letters of a script without spaces may stand right beside an id; "anna-2" and "anna.b" are not "anna".
        return re.compile(rf"{_BEFORE}{re.escape(self.member_id)}{_AFTER}")

    def is_in(self, value: str, *, named: bool | None = None) -> bool:
        """Whether a text tells of the member; `named` where an id that stands there is a member's."""
        if value == self.member_id and self.context(None, named):
            return True
        if self.id_tells and self.member_id in value and self._id_inside.search(value):
            return True
        return any(text in value for text in self.texts)

    def replaced(self, value: str, name: str, *, named: bool | None = None) -> str:
        """The value with another name for the member, and without what they wrote; `named` as for `is_in`."""
        if value == self.member_id and self.context(None, named):
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
    def _written(self) -> tuple[str, ...]:
        """The id and the texts, as they are and as JSON escapes them."""
        values = (self.member_id, *self.texts)
        return tuple(dict.fromkeys(spelled for value in values for spelled in (value, json.dumps(value)[1:-1])))

    def may_be_in(self, line: str) -> bool:
        """Whether a line is worth taking apart: false where it holds nothing of the member, and quickly told."""
        return any(spelled in line for spelled in self._written)

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest thing looked for, at most."""
        return max((6 * len(value) + 4 for value in (self.member_id, *self.texts)), default=0)

    def walk(self, value: Any, name: str, key: str | None = None, around: bool | None = None) -> Any:
        """A JSON value with every text in it, keys as well, `replaced`; `key` and `around` as for `context`."""
        named = self.context(key, around)
        if isinstance(value, str):
            return self.replaced(value, name, named=named)
        if isinstance(value, dict):
            return {
                self.replaced(inner, name, named=named): self.walk(part, name, inner, named)
                for inner, part in value.items()
            }
        return [self.walk(part, name, None, named) for part in value] if isinstance(value, list) else value

    def any_in(self, value: Any, key: str | None = None, around: bool | None = None) -> bool:
        """Whether any text of a JSON value, or of a nested cell, tells of the member."""
        named = self.context(key, around)
        if isinstance(value, str):
            return self.is_in(value, named=named)
        if isinstance(value, dict):
            return any(
                self.is_in(inner, named=named) or self.any_in(part, inner, named) for inner, part in value.items()
            )
        return isinstance(value, list | tuple) and any(self.any_in(part, None, named) for part in value)


def _length(text: str) -> float:
    return sum(1.0 if "\u3400" <= character <= "\u9fff" else 0.5 for character in text)
