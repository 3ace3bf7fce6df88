"""Why a member is suggested, in a sentence."""

from collections.abc import Sequence
from typing import Final

from penchant.data.columns import PATH_SEPARATOR
from penchant.language import Lang, Phrase

ONE_IN_COMMON: Final = Phrase("one friend in common", "有 1 位共同好友")
IN_COMMON: Final = Phrase("{count} friends in common", "有 {count} 位共同好友")
ONE_FOLLOWS: Final = Phrase("one of those you follow follows them", "你关注的人中有 1 位关注了对方")
FOLLOW: Final = Phrase("{count} of those you follow follow them", "你关注的人中有 {count} 位关注了对方")
FOLLOWS_YOU: Final = Phrase("follows you", "对方已关注你")
BOTH_INTO: Final = Phrase("both into {names}", "都喜欢 {names}")
BOTH_LIKE: Final = Phrase("both like {names}", "都喜欢 {names}")
AND: Final = Phrase(" and ", "、")
NEAR: Final = Phrase("friends of friends of yours", "与你的好友圈相近")
COUNTED: Final = ("", "", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def reason(
    common: int,
    tags: Sequence[str],
    titles: Sequence[str],
    lang: Lang,
    *,
    directed: bool = False,
    follows_back: bool = False,
) -> str:
    """Why a member is suggested, in a sentence.

    >>> reason(3, ["post-punk"], [], "en")
    'three friends in common, both into post-punk'
    >>> reason(3, ["post-punk"], [], "zh")
    '有 3 位共同好友，都喜欢 post-punk'
    """
    parts = [FOLLOWS_YOU(lang)] if follows_back else []
    if common == 1:
        parts.append((ONE_FOLLOWS if directed else ONE_IN_COMMON)(lang))
    elif common:
        counted = COUNTED[common] if lang == "en" and common < len(COUNTED) else common
        parts.append((FOLLOW if directed else IN_COMMON)(lang, count=counted))
    if tags:
        parts.append(BOTH_INTO(lang, names=AND(lang).join(tags[:2])))
    elif titles:
        parts.append(BOTH_LIKE(lang, names=AND(lang).join(titles[:2])))
    return ("，" if lang == "zh" else ", ").join(parts or [NEAR(lang)])


def narrowest(tags: Sequence[str]) -> list[str]:
    """The tags without the levels above others among them.

    >>> narrowest(["home", "home > rugs", "wool"])
    ['home > rugs', 'wool']
    """
    return [tag for tag in tags if not any(other.startswith(f"{tag}{PATH_SEPARATOR}") for other in tags)]
