"""A language model that names segments: the one that names subjects, told what sets a segment apart."""

from collections.abc import Sequence
from typing import Final

from penchant.interests.namers import Namer, namer_by
from penchant.interests.naming import Group
from penchant.language import Lang, Phrase
from penchant.members.naming import Marked, SegmentNamer
from penchant.training.options import Options

_LANGUAGES: Final[tuple[Lang, Lang]] = ("en", "zh")


def segment_namer(by: str, options: Options | None = None) -> SegmentNamer | None:
    """Who names segments, as `SegmentConfig.names_by` says; None where words do.

    Raises:
        ConfigError: an endpoint is to name, and none is configured.
        MissingExtraError: it is, and the package openai is not installed.
        WeightsError: there is no model of that name.
    """
    namer = namer_by(by, options)
    return None if namer is None else naming(namer)


def naming(namer: Namer) -> SegmentNamer:
    """A namer of groups of texts as one of segments: it sees what is typical, and nothing of any one member."""

    def names(segments: Sequence[Marked]) -> list[Phrase | None]:
        groups = [
            Group(words=tuple(word(lang) for word in one.words), texts=(one.told(lang),), language=lang)
            for one in segments
            for lang in _LANGUAGES
        ]
        said = [answer.text for answer in namer.names(groups)]
        pairs = zip(said[::2], said[1::2], strict=True)
        return [Phrase(english, chinese) if english and chinese else None for english, chinese in pairs]

    return names
