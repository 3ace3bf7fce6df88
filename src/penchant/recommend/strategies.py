"""How an answer came about, in a sentence: the strategies of recommendation."""

from typing import Final

from penchant.language import Phrase

BLEND: Final = Phrase(
    "blend of behaviour and text: {events:,} events, the last on {day}",
    "行为与文本融合：{events:,} 条行为，最近一条在 {day}",
)
BEHAVIOUR: Final = Phrase(
    "behaviour: {events:,} events, the last on {day}", "行为：{events:,} 条行为，最近一条在 {day}"
)
BY_TEXT: Final = Phrase(
    "text: nobody else has tried what this member likes, so items with a close description",
    "文本：暂无其他会员尝试过该会员喜欢的内容，因此按描述相近推荐",
)
BY_WORDS: Final = Phrase("words: items close to what was written", "文字：按所写内容相近推荐")
WORDS_AND: Final = Phrase("words, and {rest}", "文字，以及{rest}")
RANKED: Final = Phrase("{rest}; ordered by a ranker", "{rest}；经排序模型排序")
NO_EVENTS: Final = Phrase("popular: this member has no events yet", "热门：该会员还没有任何行为")
NOTHING_KNOWN: Final = Phrase("popular: nothing is known of this visitor yet", "热门：对该访客还一无所知")
SAYS_NOTHING: Final = Phrase(
    "popular: none of this member's {events:,} events tells what they like",
    "热门：该会员的 {events:,} 条行为尚不能说明其喜好",
)
WISHED: Final = Phrase("{rest}; wishes: {wishes}", "{rest}；要求：{wishes}")
NOTHING_WISHED: Final = Phrase(
    "nothing: none of the {items:,} items that may be shown meets the wishes: {wishes}",
    "无可推荐：可展示的 {items:,} 个内容均不符合要求：{wishes}",
)
BUT_WITHOUT: Final = Phrase("{rest}; some would without “{wish}”", "{rest}；去掉“{wish}”即有符合的内容")
NOTHING_LEFT: Final = Phrase(
    "nothing: all {items:,} items are seen, hidden, unavailable or blocked",
    "无可推荐：全部 {items:,} 个内容均已看过、隐藏、下架或屏蔽",
)
BY_DESCRIPTION: Final = Phrase("text: items with a close description", "文本：描述相近的内容")
BY_MEMBERS: Final = Phrase("behaviour: items that the same members like", "行为：同一批会员喜欢的内容")
BY_TOGETHER: Final = Phrase(
    "behaviour: items that the same members like close in time", "行为：同一批会员在相近时间喜欢的内容"
)
NO_COMPANIONS: Final = Phrase(
    "nothing: no member likes another item close in time to this one", "无可推荐：没有会员在相近时间还喜欢其他内容"
)
NO_NEIGHBOURS: Final = Phrase("nothing: no item is near this one", "无可推荐：没有与之相近的内容")
LIKE_DESCRIPTION: Final = Phrase("Its description is close to that of {titles}.", "内容与{titles}相近。")
LIKE_MEMBERS: Final = Phrase("Members who like {titles} like it too.", "喜欢{titles}的会员也喜欢它。")
LIKED_TOGETHER: Final = Phrase(
    "Liked by {n:,} of the {of:,} members who like {titles}.", "喜欢{titles}的 {of:,} 位会员中，有 {n:,} 位也喜欢它。"
)
LIKED_BY_THE_ONE: Final = Phrase("Liked by the one member who likes {titles}.", "唯一一位喜欢{titles}的会员也喜欢它。")
