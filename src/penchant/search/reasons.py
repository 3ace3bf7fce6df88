"""Why an item is in an answer, and how the answer came about: true by construction, in the reader's language."""

from collections.abc import Mapping, Sequence
from typing import Final

from penchant.data.verdicts import Evidence
from penchant.language import Lang
from penchant.search import wording

NAMED: Final = 3
"""Words, or titles, that one sentence names."""


def reason(
    parts: Mapping[str, float],
    is_close: bool,
    meaning: float,
    query: str,
    liked: Sequence[tuple[str, str]],
    lang: Lang,
) -> tuple[str, tuple[Evidence, ...]]:
    """One sentence on why an item answers a query, and what it rests on.

    Args:
        parts: what each word of the query that the item has adds to its score.
        is_close: whether the item is among the nearest by meaning.
        meaning: how much meaning counts against words.
        query: as it was searched for.
        liked: ids and titles of items that the member likes, where the item is closer to these than most.
        lang: of the sentence.

    >>> reason({"dress": 2.0, "summer": 1.0}, False, 0.5, "summer dress", (), "en")[0]
    'Has “dress” and “summer”.'
    """
    shown = _distinct(parts)
    words = _listed([_quoted(word) for word in shown], lang)
    if shown and is_close:
        sentence = wording.HAS_BOTH(lang, words=words)
    else:
        sentence = wording.HAS_WORDS(lang, words=words) if shown else wording.IS_CLOSE(lang)
    if liked:
        titles = _listed([_quoted(title) for _, title in liked[:NAMED]], lang)
        sentence = wording.IS_LIKED(lang, rest=sentence, titles=titles)
    total = sum(parts.values())
    by_words = (1 - meaning) if is_close else 1.0
    evidence = [
        Evidence(share=by_words * value / total, text=word, source="words")
        for word, value in sorted(parts.items(), key=lambda part: -part[1])
    ]
    if is_close:
        evidence.append(Evidence(share=meaning if parts else 1.0, text=query, source="meaning"))
    evidence += [Evidence(share=0.0, item_id=item, title=title, source="taste") for item, title in liked[:NAMED]]
    return sentence, tuple(evidence)


def strategy(
    *,
    with_meaning: bool,
    some_have_words: bool,
    is_reranked: bool,
    member_id: str | None,
    has_taste: bool,
    mended: Mapping[str, str],
    cut_at: int | None,
    lang: Lang,
) -> str:
    """How the answer came about, with every change that was made to the query.

    >>> strategy(with_meaning=False, some_have_words=True, is_reranked=False, member_id=None, has_taste=False,
    ...     mended={"fauset": "faucet"}, cut_at=None, lang="zh")
    '仅按词语：没有可读取查询的编码器；没有物品含有“fauset”，已改搜“faucet”'
    """
    if not with_meaning:
        told = wording.BY_WORDS(lang)
    else:
        told = (wording.BOTH if some_have_words else wording.ONLY_MEANING)(lang)
    if is_reranked:
        told = wording.RERANKED(lang, rest=told)
    if member_id is not None:
        told = (wording.PERSONAL if has_taste else wording.SAME_FOR_ALL)(lang, rest=told, member=member_id)
    for wrong, right in mended.items():
        told = wording.MENDED(lang, rest=told, words=wording.ONE_MENDED(lang, wrong=wrong, right=right))
    return told if cut_at is None else wording.CUT(lang, rest=told, characters=cut_at)


def _distinct(parts: Mapping[str, float]) -> list[str]:
    """The words that add most, none that is a part of another one."""
    ranked = sorted(parts, key=lambda word: -parts[word])
    return [word for word in ranked if not any(word != other and word in other for other in parts)][:NAMED]


def _quoted(text: str) -> str:
    return f"“{text}”"


def _listed(quoted: Sequence[str], lang: Lang) -> str:
    if lang == "zh":
        return "、".join(quoted)
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
