"""Words of Chinese and English texts, for everything that counts words: BM25, TF-IDF, names of segments.

Chinese is cut by jieba's dictionary and hidden Markov model (as compiled in rjieba), in its search mode, which also
gives the words inside long ones. English is lower-cased and loses its plural endings by the S-stemmer (Harman, 1991),
which merges "pans" and "pan" but never "general" and "generous".
"""

import re
import unicodedata
from typing import Final

_HAN: Final = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_RUNS: Final = re.compile(rf"[{_HAN}]+|(?:[^\W_{_HAN}]|[\u0300-\u036f])+(?:[.'’][^\W_{_HAN}]+)*")
_DECIMAL: Final = re.compile(r"\d+(\.\d+)+")
_IS_HAN: Final = re.compile(rf"[{_HAN}]")
_LONGEST: Final = 64
_INVARIANT: Final = frozenset({"series", "species", "lens", "gas", "canvas", "atlas", "christmas", "pyjamas"})
_SINGULAR_IN_IE: Final = frozenset(
    {"movies", "cookies", "brownies", "hoodies", "zombies", "selfies", "rookies", "calories", "smoothies", "beanies"}
)


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


STOP_WORDS_EN: Final = _listed(
    """
    a about above after again against all also am an and any are aren't as at be because been before being below between
    both but by can can't cannot could couldn't did didn't do does doesn't doing don't down during each few for from
    further had hadn't has hasn't have haven't having he her here hers herself him himself his how i i'd i'll i'm i've
    if in into is isn't it it's its itself just me more most mustn't my myself no nor not of off on once only or other
    our ours ourselves out over own same she should shouldn't so some such than that that's the their theirs them
    themselves then there there's these they they're this those through to too under until up very was wasn't we we're
    were weren't what when where which while who whom why will with won't would wouldn't you you'd you'll you're you've
    your yours yourself yourselves
    """
)
"""English words that say nothing about a text's subject."""

STOP_WORDS_ZH: Final = _listed(
    """
    的 了 是 在 我 有 和 就 不 人 都 一 一个 上 也 很 到 说 要 去 你 会 着 没有 看 好 自己 这 那 里 得 地 过 对
    对于 与 及 而 或 或者 但 但是 因为 所以 如果 虽然 而且 并 并且 还 还是 又 再 才 把 被 让 给 从 向 以 于 之 其
    它 他 她 他们 她们 它们 我们 你们 咱们 这个 那个 这些 那些 这样 那样 这里 那里 什么 怎么 怎样 为什么 哪 哪里
    哪个 谁 吗 呢 吧 啊 呀 哦 嗯 哈 嘛 啦 哇 个 些 点 种 次 件 为 为了 由 由于 比 跟 同 当 等 等等 可以 能 能够
    应该 已 已经 曾 曾经 正在 将 最 更 太 非常 十分 比较 只 只是 只有 仅 每 各 某 该 此 本 您 俺 不是 就是 也是
    都是 还有 没 无 以及 通过 按照 根据 关于 之前 之后 以后 以前 时候 下 来 做 用 多 真 真的 挺
    """
)
"""Chinese words that say nothing about a text's subject."""

STOP_WORDS: Final = STOP_WORDS_EN | STOP_WORDS_ZH
"""Both languages together."""


def segment(text: str, *, stop_words: frozenset[str] = STOP_WORDS) -> list[str]:
    """The words of a text in order: Chinese cut into words, English lower-cased and singular.

    Full-width forms are folded, punctuation and emoji dropped. A text of stop words alone ("The Who", "你好吗") keeps
    them, so that no text with words comes out empty.

    >>> segment("夏季碎花连衣裙，两件 Dresses!")
    ['夏季', '碎花', '连衣', '衣裙', '连衣裙', '两件', 'dress']
    >>> segment("The batteries of my iPhone 15 Pro (128GB, 6.1 inches)")
    ['battery', 'iphone', '15', 'pro', '128gb', '6.1', 'inch']
    >>> segment("The Who"), segment("🙂 …")
    (['the', 'who'], [])
    """
    words: list[str] = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).casefold()):
        words.extend(_chinese(run) if _IS_HAN.match(run) else _latin(run))
    # What is longer than any word is noise (a pasted key, a line of x), and would fill an index.
    words = [word for word in words if len(word) <= _LONGEST]
    kept = [word for word in words if word not in stop_words]
    return [stem(word) for word in kept or words]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of a text stand, in order and apart from each other: none is dropped, cut twice or changed.

    >>> text = "碎花连衣裙 isn't 🙂"
    >>> [text[start:end] for start, end in word_spans(text)]
    ['碎花', '连衣裙', "isn't"]
    """
    spans: list[tuple[int, int]] = []
    for run in _RUNS.finditer(text):
        start = run.start()
        for word in _cut(run.group()) if _IS_HAN.match(run.group()) else [run.group()]:
            spans.append((start, start + len(word)))
            start += len(word)
    return spans


def stem(word: str) -> str:
    """An English word without its plural ending; other words as they are (S-stemmer: Harman, 1991).

    >>> [stem(word) for word in ("batteries", "dresses", "boxes", "shoes", "glass", "bus", "连衣裙")]
    ['battery', 'dress', 'box', 'shoe', 'glass', 'bus', '连衣裙']
    """
    if len(word) < 4 or not word.endswith("s") or not word.isalpha() or not word.isascii():
        return word
    if word in _INVARIANT:
        return word
    if word.endswith("ies") and len(word) > 4 and word not in _SINGULAR_IN_IE:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith(("us", "ss", "is")):
        return word
    return word[:-1]


def _chinese(run: str) -> list[str]:
    import rjieba

    return rjieba.cut_for_search(run)


def _cut(run: str) -> list[str]:
    import rjieba

    return rjieba.cut(run)


def _latin(run: str) -> list[str]:
    """Words of a run of letters and digits: `it's` stays whole for the stop words, `john's` loses its ending."""
    run = run.replace("’", "'")
    if run in STOP_WORDS_EN or _DECIMAL.fullmatch(run):
        return [run]
    parts = re.split(r"[.']", run)
    # U.S.A. is one word; a single letter that an apostrophe leaves is none.
    return ["".join(parts)] if all(len(part) == 1 for part in parts) else [part for part in parts if len(part) > 1]
