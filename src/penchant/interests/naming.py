"""Names for groups of texts, from the words that set each group apart from its siblings.

Words are weighed by class TF-IDF (Grootendorst, 2022): how common a word is in a group, times how rare it is in all.
A word counts once a text, since a text that repeats it says no more about its group.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.language import Lang, Phrase, written_language
from penchant.text.words import STOP_WORDS, segment


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


SAY_LITTLE: Final = _listed(
    """
    good great nice bad best better fine ok love like really also get got buy bought one use used would could much many
    thing lot well even still make made never ever go went come came think thought know want time day way
    http https www com cn html htm quot nbsp amp lt gt br small
    不错 很好 挺好 太好 好好 不好 太差 很差 差评 好评 一般 一般般 垃圾 喜欢 满意 失望 推荐 值得 不值 不行 还行 还好 可惜
    感觉 觉得 知道 认为 希望 有点 一点 一些 有些 特别 真是 确实 其实 一直 现在 今天 昨天 已经 开始 结果 后来 第一次
    一次 几次 多次 下次 每次 再也 不会 不能 不要 不想 不知 不过 东西 玩意 宝贝 这么 那么 这次 这种 这款 这家 这是 一样
    是不是 会不会 有没有 还有 还会 还要 全是 直接 一定 千万 绝对 完全 各种 大家 别人 个人 好多 很多 不少 很大 很快 出来
    下来 下去 上面 里面 买回来 买来 买到 看到 用来 收到 购买 评价 问题 几天 一天 很久 早就 难道 居然 竟然 有人 第一 第二
    第二次 无语 两个 没用 回事 只能 不到 发现 起来 一下 使用 根本 以为 从来 最后 相信 回来 意思 给力 反正 心里
    般般 段时间 一段时间 怎么样 不怎么样 不怎么 怎么办 不了 越来越 看起来 可能 只要 才能 任何 偶尔 差劲 一条
    """
)
"""Words of praise, blame and everyday talk, and remnants of markup: they name a group only where no others do."""

UNNAMED: Final = Phrase("unnamed", "未命名")
"""A group of texts without words."""
NAME_SEPARATOR: Final = Phrase(", ", "、")
"""Between the words of a name; a slash or a ">" would read as a path."""

_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_PATH_SIGNS: Final = re.compile(r"\s*[/\\|>＞／＼｜→»]+\s*")
_LEAD: Final = re.compile(
    r"^\s*(?:[-*•#]+\s*|\d+[.)、]\s*)?(?:(?:name|label|category|topic|名字|名称|标签|类别|分类)\s*[:：]\s*)?",
    re.IGNORECASE,
)
_EDGES: Final = " \t\"'`*_“”‘’「」『』《》〈〉【】()（）.。,，、;；:：!！?？"
_LONGEST: Final = {"zh": 16, "en": 40}
"""Characters of a name that reads as one."""
_CANDIDATES: Final = 40


class NamingConfig(BaseModel):
    """How words become names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    words: PositiveInt = 2
    """Words of a name; a name that a sibling has already takes one more."""
    least_share: float = Field(default=0.05, ge=0, le=1)
    """A word of a name is in at least this share of the group's texts, where there is any such word."""
    least_lift: float = Field(default=1.5, ge=1)
    """And so many times as common there as among the siblings, where there is any such word."""
    keywords: PositiveInt = 10
    """Words kept beside each name: what it came from, and what a language model is told."""
    by: str = Field(default="words", min_length=1)
    """Who names: `words`; `endpoint`, an OpenAI-compatible one that the variables `PENCHANT_ENDPOINT_…` tell of; or a
    causal model on this machine by its name, such as `gemma-270m`. Words stand in where no name comes."""


@dataclass(frozen=True)
class Group:
    """One group of texts, as whoever names it sees it."""

    words: tuple[str, ...]
    """The words that set it apart from its siblings, the most telling first."""
    texts: tuple[str, ...]
    """Typical texts, the nearest to its centre first."""
    language: Lang
    """What most of its texts are written in."""
    above: str | None = None
    """The label that it lies under."""


def main_language(texts: Collection[str]) -> Lang:
    """What most texts are written in.

    >>> main_language(["好锅", "很好用", "nice"])
    'zh'
    """
    written = Counter(written_language(text) for text in texts)
    return "zh" if written["zh"] * 2 > len(texts) else "en"


def telling_words(
    groups: Sequence[Sequence[str]], config: NamingConfig, *, without: Iterable[str] = ()
) -> list[tuple[str, ...]]:
    """The words that set each group of texts apart from the others, the most telling first.

    Words are those of the group's main language. Of a word and a longer one that holds it, one is kept.

    Args:
        groups: the texts of each sibling.
        config: how common a word must be, and how many are kept.
        without: words that are said already, by the label above.

    >>> telling_words([["red apple pie", "apple juice"], ["fast car", "red car"]], NamingConfig(least_lift=2))
    [('apple', 'juice', 'pie'), ('car', 'fast')]
    """
    counts = [_counts(texts) for texts in groups]
    total: Counter[str] = sum(counts, Counter())
    mean_words = sum(total.values()) / max(1, len(groups))
    said, found = set(without), []
    everything = sum(map(len, groups))
    for texts, own in zip(groups, counts, strict=True):
        words = max(1, sum(own.values()))
        weights = {
            word: count / words * np.log(1 + mean_words / total[word])
            for word, count in own.items()
            if not any(word == other or _overlap(word, other) for other in said)
        }
        tier = {word: _tier(word, own, total, len(texts), everything, config) for word in weights}
        # By tier, by weight, then by spelling, so that equal words come in the same order each time.
        ranked = sorted(weights, key=lambda word: (tier[word], -weights[word], word))[:_CANDIDATES]
        kept = _apart(ranked, own)
        # Words of the lower tiers fill a name up, and no more.
        best = sum(tier[word] == 0 for word in kept)
        found.append(kept[: min(max(best, config.words), config.keywords)])
    return found


def word_names(groups: Sequence[Group], config: NamingConfig) -> list[str]:
    """A name for each sibling out of its words, no two the same; the first groups choose first.

    >>> shown = Group(("apple", "pie", "juice"), (), "en"), Group(("apple", "pie", "tart"), (), "en")
    >>> word_names(shown, NamingConfig())
    ['apple, pie', 'apple, pie, tart']
    """
    taken: set[str] = set()
    names = []
    for group in groups:
        separator = NAME_SEPARATOR(group.language)
        options = [
            separator.join(group.words[:count])
            for count in range(config.words, max(config.words, len(group.words)) + 1)
        ]
        name = next((name for name in options if name and name.casefold() not in taken), None)
        names.append(unlike(name or options[0] or UNNAMED(group.language), taken))
        taken.add(names[-1].casefold())
    return names


def unlike(name: str, taken: Collection[str]) -> str:
    """The name, numbered if its case-folded form is taken.

    >>> unlike("Pan", {"pan"})
    'Pan 2'
    """
    number, free = 1, name
    while free.casefold() in taken:
        number += 1
        free = f"{name} {number}"
    return free


def read_name(answer: str, language: Lang) -> tuple[str, str | None]:
    """A name out of what a language model said, and what is wrong with it; None where nothing is.

    >>> read_name(' 名字：“水果/零食”。', "zh")
    ('水果、零食', None)
    >>> read_name("", "en"), read_name("水果", "en")
    (('', 'an empty answer'), ('水果', 'not written in en'))
    """
    lines = [line for line in answer.splitlines() if line.strip(_EDGES)]
    if not lines:
        return "", "an empty answer"
    name = _LEAD.sub("", lines[0]).strip(_EDGES)
    name = " ".join(_PATH_SIGNS.sub(NAME_SEPARATOR(language), name).split()).strip(_EDGES)
    if not any(character.isalpha() for character in name):
        return name, "no word in it"
    if len(name) > _LONGEST[language]:
        return name, f"{len(name)} characters, more than the {_LONGEST[language]} of a name"
    if written_language(name) != language:
        return name, f"not written in {language}"
    if not set(segment(name, stop_words=frozenset())) - STOP_WORDS:
        return name, "stop words alone"
    return name, None


def _counts(texts: Sequence[str]) -> Counter[str]:
    """In how many texts of the group's main language each word is that could be part of a name."""
    language = main_language(texts)
    counts: Counter[str] = Counter()
    for text in texts:
        if written_language(text) == language:
            counts.update({word for word in segment(text) if _nameable(word, language)})
    if not counts:
        for text in texts:
            counts.update({word for word in segment(text) if word not in STOP_WORDS and not word.isdigit()})
    return counts


def _nameable(word: str, language: Lang) -> bool:
    """Whether a word can stand in a name: no stop word, no number, no lone character, no other script than its own."""
    if len(word) < 2 or word in STOP_WORDS or not any(character.isalpha() for character in word):
        return False
    return language == "zh" or not _HAN.search(word)


def _tier(word: str, own: Counter[str], total: Counter[str], texts: int, everything: int, config: NamingConfig) -> int:
    """0 for a word fit for a name, 1 and 2 for what serves where there is none, 3 for what nobody would choose."""
    share = own[word] / texts
    outside = (total[word] - own[word]) / max(1, everything - texts)
    if word in SAY_LITTLE:
        return 3
    if share < config.least_share:
        return 2
    return int(share < config.least_lift * outside)


def _apart(ranked: Sequence[str], counts: Counter[str]) -> tuple[str, ...]:
    """Words none of which holds another; the longer is kept where it is nearly as common as what it holds."""
    kept: list[str] = []
    for word in ranked:
        longer = [other for other in ranked if _overlap(word, other) and len(other) > len(word)]
        as_common = [other for other in longer if counts[other] * 3 >= counts[word] * 2]
        chosen = max(as_common, key=lambda other: (len(other), other), default=word)
        if not any(chosen == other or _overlap(chosen, other) for other in kept):
            kept.append(chosen)
    return tuple(kept)


def _overlap(word: str, other: str) -> bool:
    """Whether one of two Chinese words holds the other; English ones share letters by chance."""
    return bool(_HAN.search(word)) and (word in other or other in word)
