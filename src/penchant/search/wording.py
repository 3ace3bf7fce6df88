"""How an answer came about, in a sentence: the strategies of search, and why an item is in the answer."""

from typing import Final

from penchant.language import Phrase

BOTH: Final = Phrase("words and meaning", "词语与语义")
BY_WORDS: Final = Phrase("words alone, as there is no encoder to read the query", "仅按词语：没有可读取查询的编码器")
ONLY_MEANING: Final = Phrase("meaning alone, as no item has any of the words", "仅按语义：没有物品含有这些词")
RERANKED: Final = Phrase("{rest}, in the order learned from judged queries", "{rest}，按从已评查询学到的顺序排列")
PERSONAL: Final = Phrase("{rest}, moved towards what {member} likes", "{rest}，并向 {member} 的喜好调整")
SAME_FOR_ALL: Final = Phrase(
    "{rest}; the same as for anybody, as nothing tells what {member} likes",
    "{rest}；{member} 的喜好未知，结果与他人相同",
)
MENDED: Final = Phrase("{rest}; {words}", "{rest}；{words}")
ONE_MENDED: Final = Phrase(
    "no item has “{wrong}”, so “{right}” was searched for", "没有物品含有“{wrong}”，已改搜“{right}”"
)
CUT: Final = Phrase(
    "{rest}; only the first {characters} characters were read", "{rest}；只读取了前 {characters} 个字符"
)

WISHED: Final = Phrase("{rest}; wishes: {wishes}", "{rest}；要求：{wishes}")
NOTHING_WISHED: Final = Phrase(
    "nothing: none of the {items:,} items that pass the filters meets the wishes: {wishes}",
    "无结果：通过筛选的 {items:,} 个物品均不符合要求：{wishes}",
)
BUT_WITHOUT: Final = Phrase("{rest}; some would without “{wish}”", "{rest}；去掉“{wish}”即有符合的物品")
NO_WORDS: Final = Phrase("nothing: the query has no words", "无结果：查询中没有词语")
NOTHING_FITS: Final = Phrase(
    "nothing: none of {items:,} items passes the filters", "无结果：{items:,} 个物品均不符合筛选条件"
)
NOTHING_FOUND: Final = Phrase("nothing: no item has any of the words", "无结果：没有物品含有这些词")

HAS_WORDS: Final = Phrase("Has {words}.", "含有{words}。")
HAS_BOTH: Final = Phrase("Has {words} and is close in meaning.", "含有{words}，且含义相近。")
IS_CLOSE: Final = Phrase("Close in meaning to the query.", "与查询含义相近。")
IS_LIKED: Final = Phrase(
    "{rest} It is close to what this member likes, such as {titles}.", "{rest}也接近该会员喜欢的{titles}。"
)
