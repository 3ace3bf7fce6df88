"""Wishes: what a person asks of items, taken from what they said, in a form that people can read and machines keep."""

from collections.abc import Collection, Iterable
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from penchant.language import Lang, Phrase

Facet = Literal[
    "price", "weight", "size", "length", "year", "category", "tag", "seller", "colour", "material", "words", "meaning",
    "item",
]  # fmt: skip
"""What a wish is about."""
MEASURES: Final = ("price", "weight", "size", "length", "year")
"""Facets with numbers, which have a least and a most."""

NAMES: Final[dict[str, Phrase]] = {
    "price": Phrase("price", "价格"),
    "weight": Phrase("weight", "重量"),
    "size": Phrase("size", "大小"),
    "length": Phrase("length", "长度"),
    "year": Phrase("year", "年份"),
}
AT_MOST: Final = Phrase("{name} at most {most:g}", "{name}不超过 {most:g}")
AT_LEAST: Final = Phrase("{name} at least {least:g}", "{name}不低于 {least:g}")
BETWEEN: Final = Phrase("{name} from {least:g} to {most:g}", "{name}在 {least:g} 到 {most:g} 之间")
LIKES: Final[dict[str, Phrase]] = {
    "category": Phrase("of the category “{value}”", "属于“{value}”类"),
    "tag": Phrase("tagged “{value}”", "带标签“{value}”"),
    "seller": Phrase("from “{value}”", "来自“{value}”"),
    "colour": Phrase("in {value}", "颜色为{value}"),
    "material": Phrase("made of {value}", "材质为{value}"),
    "words": Phrase("with “{value}”", "含“{value}”"),
    "meaning": Phrase("close to “{value}”", "接近“{value}”"),
    "item": Phrase("like “{value}”", "类似“{value}”"),
}
DISLIKES: Final[dict[str, Phrase]] = {
    "category": Phrase("nothing of the category “{value}”", "不要“{value}”类"),
    "tag": Phrase("nothing tagged “{value}”", "不要带标签“{value}”"),
    "seller": Phrase("nothing from “{value}”", "不要来自“{value}”"),
    "colour": Phrase("not in {value}", "颜色不要{value}"),
    "material": Phrase("not made of {value}", "材质不要{value}"),
    "words": Phrase("without “{value}”", "不含“{value}”"),
    "meaning": Phrase("far from “{value}”", "远离“{value}”"),
    "item": Phrase("not “{value}”", "不要“{value}”"),
}
WITHIN: Final = Phrase("{rest}, among “{within}”", "{rest}（限“{within}”）")
RATHER: Final = Phrase("rather {rest}", "最好{rest}")
SAID: Final = Phrase("{rest} (you said “{said}”)", "{rest}（你说“{said}”）")


class Wish(BaseModel):
    """One thing that is asked of items.

    >>> Wish(facet="price", most=100, said="under 100").told("en")
    'price at most 100 (you said “under 100”)'
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    facet: Facet
    value: str = ""
    """A category, tag, seller, colour, word or phrase, or the title of an item; nothing for a number."""
    wanted: bool = True
    """False where it is to be avoided."""
    must: bool = True
    """Items that do not meet it are left out; else they only lose against those that do."""
    least: float | None = None
    most: float | None = None
    forms: tuple[str, ...] = ()
    """How the value may be written in an item's text; the id of an item."""
    within: str | None = None
    """A category, where it is asked of that alone: nothing red among the shoes."""
    said: str = ""
    """The words it was taken from."""
    turn: NonNegativeInt = 0
    """The sentence it was taken from, counted from 1."""

    def told(self, lang: Lang) -> str:
        """In words, with what was said."""
        rest = self.meant(lang)
        return SAID(lang, rest=rest, said=self.said) if self.said else rest

    def meant(self, lang: Lang) -> str:
        """In words, without what was said."""
        if self.facet in MEASURES:
            phrase = AT_MOST if self.least is None else AT_LEAST if self.most is None else BETWEEN
            rest = phrase(lang, name=NAMES[self.facet](lang), least=self.least, most=self.most)
        else:
            rest = (LIKES if self.wanted else DISLIKES)[self.facet](lang, value=self.value)
        if self.within:
            rest = WITHIN(lang, rest=rest, within=self.within)
        # What is close or far is a matter of degree in any case.
        return rest if self.must or self.facet in ("meaning", "item") else RATHER(lang, rest=rest)


class Wishes(BaseModel):
    """What a person has asked for so far; every sentence gives new ones, and this one stays as it is.

    It is plain data, so a service hands it to whoever asks and takes it back with the next sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    wishes: tuple[Wish, ...] = ()
    turns: NonNegativeInt = 0
    """Sentences read so far."""
    unheard: tuple[str, ...] = Field(default=())
    """What the last sentence asked for that no item can be judged by, or that was not understood."""

    def __bool__(self) -> bool:
        return bool(self.wishes)

    def __len__(self) -> int:
        return len(self.wishes)

    def told(self, lang: Lang) -> list[str]:
        """Each in words, in the order in which they were said."""
        return [wish.told(lang) for wish in self.wishes]

    def meant(self, lang: Lang) -> str:
        """All in one line."""
        return {"en": "; ", "zh": "；"}[lang].join(wish.meant(lang) for wish in self.wishes)

    @property
    def phrase(self) -> str:
        """What is wished for beyond numbers and names, in the person's own words; empty where nothing is."""
        return ", ".join(wish.value for wish in self.wishes if wish.facet == "meaning" and wish.wanted)

    def without(self, numbers: Collection[int]) -> "Wishes":
        """The same without some, by their place in `told`, counted from 1; a place that nothing holds is let be."""
        kept = tuple(wish for place, wish in enumerate(self.wishes, start=1) if place not in numbers)
        return self.model_copy(update={"wishes": kept})

    def plus(self, found: Iterable[Wish], *, beside: bool = False) -> "Wishes":
        """The same with those of a further sentence; what it changes its mind about is gone.

        Another number of a facet takes the place of the last, and so does another category, colour, material or seller,
        unless it is asked for beside it. What was liked and is now disliked, or the other way round, is only the
        latter.
        """
        new = tuple(found)
        kept = [old for old in self.wishes if not any(_replaces(wish, old, beside) for wish in new)]
        return self.model_copy(update={"wishes": (*kept, *new)})


def _replaces(new: Wish, old: Wish, beside: bool) -> bool:
    if new.facet != old.facet:
        return False
    if new.facet in MEASURES:
        if (new.least is None) != (old.least is None) and (new.most is None) != (old.most is None):
            # A floor beside a ceiling, unless the two leave nothing between them.
            floor, ceiling = (new, old) if new.least is not None else (old, new)
            return (floor.least or 0) > (ceiling.most or 0)
        return True
    if new.value == old.value and new.within == old.within:
        return True
    one_of = new.facet in ("category", "colour", "material", "seller")
    return one_of and new.wanted and old.wanted and new.turn != old.turn and not beside
