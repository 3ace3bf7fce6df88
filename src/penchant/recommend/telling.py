"""By what an answer came about: the strategy that it names."""

from penchant.language import Lang
from penchant.recommend import strategies
from penchant.recommend.opinions import POPULARITY, TEXT, Opinions
from penchant.recommend.person import Person


def by_what(person: Person, opinions: Opinions, *, ranked: bool, lang: Lang) -> str:
    """The strategy of a person's answer: from what they did, from words, or from what is popular, and why.

    Args:
        person: who asked.
        opinions: of the sources, of them alone.
        ranked: whether a ranker put the best in order.
        lang: of the sentence.
    """
    speaking = {name for name, scale in opinions.scales.items() if name != POPULARITY and scale.speaks.any()}
    count = len(person.events)
    if speaking:
        day = f"{person.events['at'][-1]:%Y-%m-%d}"
        if speaking == {TEXT}:
            rest = strategies.BY_TEXT(lang)
        else:
            rest = (strategies.BLEND if TEXT in speaking else strategies.BEHAVIOUR)(lang, events=count, day=day)
        if ranked:
            rest = strategies.RANKED(lang, rest=rest)
        return strategies.WORDS_AND(lang, rest=rest) if person.text else rest
    if person.text:
        return strategies.BY_WORDS(lang)
    if count:
        return strategies.SAYS_NOTHING(lang, events=count)
    return (strategies.NO_EVENTS if person.member_id else strategies.NOTHING_KNOWN)(lang)
