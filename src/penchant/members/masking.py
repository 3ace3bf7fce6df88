"""Masking of personal data in texts, before they are stored or logged; with a key it can be undone, without never."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict

from penchant.language import Lang, written_language
from penchant.members.recognisers import KIND_NAMES, Found, Personal, numbers, plain
from penchant.members.recognisers_words import addresses, names, phones_abroad
from penchant.members.sealing import Seal

_ORDER: Final = {kind: place for place, kind in enumerate(Personal)}
"""What holds where two kinds claim the same characters and are as long: the one that is checked more strictly."""


class MaskingConfig(BaseModel):
    """What is masked in texts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[Personal, ...] = tuple(Personal)
    """What is looked for."""
    regions: tuple[str, ...] = ()
    """Countries (two-letter codes, such as GB) whose telephone numbers are known without the country's code too."""


@dataclass(frozen=True)
class Masked:
    """A text without personal data, and where they were.

    >>> mask("打我手机13912345678，邮箱 wang@qq.com")
    Masked(text='打我手机[手机号]，邮箱 [邮箱]', found=(Found(start=4, end=15, kind=<Personal.MOBILE: 'mobile'>), ...
    """

    text: str
    found: tuple[Found, ...]
    """Places in the text as it was, in order, none overlapping; what stood there is not kept."""

    @property
    def counts(self) -> dict[str, int]:
        """How many pieces of each kind were masked."""
        kinds = [found.kind.value for found in self.found]
        return {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}


def mask(
    text: str, config: MaskingConfig | None = None, *, key: bytes | None = None, lang: Lang | None = None
) -> Masked:
    """Replace personal data by what kind of thing stood there.

    Args:
        text: in Chinese, English or both.
        config: which kinds.
        key: from `new_key`: each piece is then sealed into its place, and `unmask` brings it back; equal pieces have
            equal seals. Without a key the pieces are gone.
        lang: language of the placeholders; that of the text by default.

    Raises:
        ConfigError: the key is none that `new_key` gave.
    """
    config = config or MaskingConfig()
    seal = None if key is None else Seal(key)
    found = find_personal(text, config)
    if not found:
        return Masked(text, ())
    lang = lang or written_language(_without(text, found))
    parts, done = [], 0
    for piece in found:
        name = KIND_NAMES[piece.kind](lang)
        inside = name if seal is None else f"{name}:{seal.close(text[piece.start : piece.end])}"
        parts += [text[done : piece.start], f"[{inside}]"]
        done = piece.end
    return Masked("".join([*parts, text[done:]]), tuple(found))


def unmask(text: str, key: bytes) -> str:
    """The text as it was before it was masked with this key.

    Raises:
        ConfigError: it was masked with another key, or the key is none.

    >>> from penchant.members.sealing import new_key
    >>> key = new_key()
    >>> unmask(mask("call 13912345678", key=key).text, key)
    'call 13912345678'
    """
    return Seal(key).open_all(text)


def find_personal(text: str, config: MaskingConfig | None = None) -> list[Found]:
    """Where personal data stand in a text, in order and without overlaps: of two that overlap, the longer."""
    config = config or MaskingConfig()
    readable = plain(text)
    wanted = [found for found in _candidates(readable, config) if found.kind in config.kinds]
    wanted.sort(key=lambda found: (found.start - found.end, _ORDER[found.kind]))
    kept: list[Found] = []
    for found in wanted:
        if found.start < found.end and all(found.end <= one.start or one.end <= found.start for one in kept):
            kept.append(found)
    return sorted(kept)


def _without(text: str, found: Sequence[Found]) -> str:
    """What is left of a text: an address in Latin letters says nothing of its language."""
    kept = list(text)
    for piece in found:
        kept[piece.start : piece.end] = [""] * (piece.end - piece.start)
    return "".join(kept)


def _candidates(text: str, config: MaskingConfig) -> Iterable[Found]:
    # Most texts hold no digit at all, and what follows a form has one or an at sign.
    has_digits = any(character.isdigit() for character in text)
    if has_digits or "@" in text:
        yield from numbers(text)
    if has_digits:
        yield from phones_abroad(text, config.regions)
    yield from addresses(text)
    yield from names(text)
