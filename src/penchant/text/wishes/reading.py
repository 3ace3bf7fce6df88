"""One sentence, clause by clause: what is found is taken out, and what is left over is read for its words."""

import re
from collections.abc import Iterator

import numpy as np

from penchant.language import Lang, written_language
from penchant.text.folding import fold
from penchant.text.wishes import grammar
from penchant.text.wishes.amounts import number, plain
from penchant.text.wishes.attributes import UNITS, Attribute, Scale
from penchant.text.wishes.index import LONGEST_NAME, ItemIndex, Name, bare, key
from penchant.text.wishes.relative import RELATIVE, relative
from penchant.text.wishes.wish import MEASURES, Facet, Wish, Wishes
from penchant.text.words import segment
from penchant.vectors import Rows

LONGEST_SENTENCE = 500
"""Characters of a sentence that are read; what follows is told as not understood."""
_LONGEST_WORD = 40
_NEAR = 0.2
"""How far from a number is still around it."""
_ENGLISH = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_BETWEEN = "¦"
"""Stands where something was taken out, so that what lay around it is not read as one."""


class Reading:
    """The state of one reading: wishes so far, those found, and what was not understood."""

    def __init__(self, index: ItemIndex, wishes: Wishes, reference: Rows, shown: list[int]) -> None:
        self.index = index
        self.wishes = wishes.model_copy(update={"turns": wishes.turns + 1, "unheard": ()})
        self.reference = reference
        self.shown = [int(row) for row in shown]
        self.lang: Lang = "en"
        self.found: list[Wish] = []
        self.unheard: list[str] = []
        self.clause = ""

    def read(self, sentence: str) -> Wishes:
        """The wishes after the sentence."""
        text = plain(fold(sentence.strip()).replace("’", "'"))
        if len(text) > LONGEST_SENTENCE:
            self.unheard.append(f"{text[LONGEST_SENTENCE : LONGEST_SENTENCE + 20]}…")
            text = text[:LONGEST_SENTENCE]
        self.lang = written_language(text)
        if grammar.RESET.search(text):
            self.wishes = self.wishes.model_copy(update={"wishes": ()})
            text = grammar.RESET.sub(_BETWEEN, text)
        beside = bool(grammar.ALSO.search(text))
        for clause in grammar.CLAUSES.split(text):
            self.clause = clause.strip()
            if self.clause.strip(_BETWEEN + " ") and not self._taken_back(self.clause):
                self._read_clause(self.clause)
        self.found.sort(key=lambda wish: text.find(wish.said))
        after = self.wishes.plus(self.found, beside=beside)
        return after.model_copy(update={"unheard": tuple(self.unheard)})

    # -- what is taken back --

    def _taken_back(self, clause: str) -> bool:
        for one in grammar.TAKE_BACK:
            match = one.search(clause)
            if match and (gone := self._meant(match["what"].strip())) is not None:
                self.wishes = self.wishes.without(gone)
                return True
            if match and one is grammar.TAKE_BACK[0]:
                self.unheard.append(clause)
                return True
        return False

    def _meant(self, what: str) -> list[int] | None:
        """Places of the wishes that are meant; None where no words name any."""
        held = list(enumerate(self.wishes.wishes, start=1))
        if grammar.LAST.match(what):
            last = max((wish.turn for _, wish in held), default=0)
            return [place for place, wish in held if wish.turn == last]
        places = []
        for facet, named in grammar.NAMED_FACETS.items():
            if named.search(what):
                places += [place for place, wish in held if wish.facet == facet]
        if not places:
            names = {self._value(name) for _, _, name in self._names(what)}
            words = set(self._content(what))
            for place, wish in held:
                if (wish.facet, wish.value) in names or words & set(segment(wish.value)) or what == wish.said:
                    places.append(place)
        return places or None

    def _value(self, name: Name) -> tuple[Facet, str]:
        if isinstance(name, Attribute):
            # A wish keeps the name in the language that it was said in.
            for wish in self.wishes.wishes:
                if wish.facet == name.facet and wish.forms == name.forms:
                    return wish.facet, wish.value
            return name.facet, name.name(self.lang)
        return name

    # -- what is wished for --

    def _read_clause(self, clause: str) -> None:
        for step in (self._quoted, self._years, self._amounts, self._relative, self._places_shown):
            clause = step(clause)
        rather = bool(grammar.RATHER.search(clause))
        clause = grammar.RATHER.sub(" ", clause)
        only = bool(grammar.ONLY.search(clause))
        clause = grammar.ONLY.sub(" ", clause)
        behind = grammar.BEHIND.match(clause.strip(_BETWEEN + " "))
        if behind:
            self._words(behind["what"] or behind["en"], wanted=False, rather=rather, only=only)
            return
        less = grammar.LESS.search(clause)
        if less:
            before, after = clause[: less.start()], clause[less.end() :]
            self._words(before, wanted=True, rather=rather, only=only)
            self._words(after, wanted=False, rather=True, only=only)
            return
        parts = grammar.NEGATION.split(clause)
        self._words(parts[0], wanted=True, rather=rather, only=only)
        for part in parts[1:]:
            self._words(part, wanted=False, rather=rather, only=only)

    def _quoted(self, clause: str) -> str:
        """Items named by title: between marks, or behind `like`."""
        for match in grammar.QUOTED.finditer(clause):
            row = self.index.titled(match["title"])
            if row is not None:
                unwanted = bool(grammar.NEGATION.search(clause[: match.start()]))
                self._item(row, not unwanted, match.group())
                clause = clause[: match.start()] + _BETWEEN + clause[match.end() :]
                return (
                    grammar.LIKE.sub(" ", grammar.NEGATION.sub(" ", clause))
                    if unwanted
                    else grammar.LIKE.sub(" ", clause)
                )
        like = grammar.LIKE.search(clause)
        if like and (row := self.index.titled(bare(clause[like.end() :].strip(" 的")))) is not None:
            self._item(row, not grammar.NEGATION.search(clause[: like.start()]), clause[like.start() :])
            return clause[: like.start()]
        return clause

    def _places_shown(self, clause: str) -> str:
        """Items named by their place in the list shown."""
        if not self.shown:
            return clause
        like, negated = grammar.LIKE.search(clause), grammar.NEGATION.search(clause)
        match = grammar.ORDINAL.search(clause)
        if not match or not (like or negated):
            return clause
        row = self._row_shown(match)
        if row is None:
            self.unheard.append(self.clause)
            return _BETWEEN
        self._item(row, not negated, self.clause)
        return _BETWEEN

    def _row_shown(self, match: re.Match[str]) -> int | None:
        if match["zhlast"] or match["word"] == "last":
            return self.shown[-1]
        named = grammar.ORDINAL_WORDS.get(match["word"] or "")
        place = named or int(number(match["digits"] or match["zh"]))
        return self.shown[place - 1] if 0 < place <= len(self.shown) else None

    def _item(self, row: int, wanted: bool, said: str) -> None:
        item, title = self.index.items.row(row, named=True)["item_id"], self.index.items["title"][row]
        self._wish("item", title, wanted=wanted, forms=(item,), said=said.strip())

    def _years(self, clause: str) -> str:
        for how, patterns in grammar.YEARS.items():
            for one in patterns:
                match = one.search(clause)
                if match is None or (how == "in" and self.index.numbers("year") is None):
                    continue
                year = int(match["year"])
                if how == "decade":
                    year += 1900 if year < 100 and year >= 30 else 2000 if year < 100 else 0
                least = {"after": year + 1, "since": year, "decade": year, "in": year}.get(how)
                most = {"before": year - 1, "decade": year + 9, "in": year}.get(how)
                self._number("year", least, most, match.group())
                clause = clause[: match.start()] + _BETWEEN + clause[match.end() :]
        return clause

    def _amounts(self, clause: str) -> str:
        for how, patterns in grammar.AMOUNTS.items():
            for one in patterns:
                match = one.search(clause)
                if match is None:
                    continue
                facet, size = UNITS.get(match["unit"] or "", ("price", 1.0))
                if how == "range" and not match["unit"] and match["first"]:
                    facet, size = UNITS.get(match["first"], ("price", 1.0))
                size /= self.index.unit(facet)
                if how == "range":
                    low, high = sorted((number(match["n"]) * size, number(match["m"]) * size))
                else:
                    low = high = number(match["n"]) * size
                start = match.start()
                banned = [
                    one for one in grammar.NEGATION.finditer(clause, 0, start) if not clause[one.end() : start].strip()
                ]
                if banned and how in ("most", "least"):
                    # Nothing over a price is at most the price.
                    how, start = {"most": "least", "least": "most"}[how], banned[0].start()
                if how == "around":
                    low, high = round(low * (1 - _NEAR), 2), round(high * (1 + _NEAR), 2)
                said = clause[start : match.end()]
                self._number(facet, None if how == "most" else low, None if how == "least" else high, said)
                clause = clause[:start] + _BETWEEN + clause[match.end() :]
        return clause

    def _number(self, facet: Facet, least: float | None, most: float | None, said: str) -> None:
        if self.index.numbers(facet) is None:
            self.unheard.append(said.strip())
            return
        self._wish(facet, "", least=least, most=most, said=said.strip())

    def _relative(self, clause: str) -> str:
        """Cheaper, lighter, newer: than what was shown."""
        for match in RELATIVE.finditer(clause):
            scale, less, part = relative(match)
            if scale is None:
                continue
            bound = self._bound(scale, less, part)
            if bound is None:
                if scale.facet == "price":
                    self.unheard.append(match.group().strip())
                else:
                    english, chinese = scale.meant[0 if less else 1]
                    phrase = chinese if self.lang == "zh" else english
                    self._wish("meaning", phrase, must=False, said=match.group().strip())
            else:
                # A second wish for cheaper never allows more than the first.
                old = next((wish for wish in self.wishes.wishes if wish.facet == scale.facet), None)
                least, most = (old.least, old.most) if old is not None else (None, None)
                if less:
                    most = bound if most is None else min(most, bound)
                    least = None if least is not None and least > most else least
                else:
                    least = bound if least is None else max(least, bound)
                    most = None if most is not None and most < least else most
                self._wish(scale.facet, "", least=least, most=most, said=match.group().strip())
        return RELATIVE.sub(lambda match: _BETWEEN if relative(match)[0] is not None else match.group(), clause)

    def _bound(self, scale: Scale, less: bool, part: float) -> float | None:
        numbers = self.index.numbers(scale.facet)
        if numbers is None:
            return None
        shown = numbers[self.reference]
        shown = shown[~np.isnan(shown)]
        if not len(shown):
            return None
        middle = float(np.median(shown))
        if scale.facet == "year":
            return np.floor(middle) - 1 if less else np.ceil(middle) + 1
        return float(f"{middle * (1 - part if less else 1 + part):.3g}")

    # -- words --

    def _words(self, text: str, *, wanted: bool, rather: bool, only: bool) -> None:
        """Names of things, and what is left beside them."""
        for conjunct in [text] if wanted else grammar.CONJUNCTS.split(text):
            named: list[Wish] = []
            rest, last = "", 0
            for start, end, name in self._names(conjunct):
                facet, value = (name.facet, name.name(self.lang)) if isinstance(name, Attribute) else name
                forms = name.forms if isinstance(name, Attribute) else ()
                said = conjunct[start:end].strip() if wanted else self.clause
                rest, last = rest + conjunct[last:start] + _BETWEEN, end
                named.append(self._made(facet, value, wanted=wanted, must=not rather, forms=forms, said=said))
            rest += conjunct[last:]
            if not wanted:
                named = _most_special(named)
            self.found += named
            if not named or wanted:
                self._left(rest, wanted=wanted, rather=rather, only=only)

    def _left(self, rest: str, *, wanted: bool, rather: bool, only: bool) -> None:
        content = self._content(rest)
        if not content:
            return
        said = " ".join(rest.replace(_BETWEEN, " ").split()).strip("的 ") if wanted else self.clause
        if not wanted or only:
            known = [word for word in content if self.index.saying((word,)).any()]
            for word in known:
                self._wish("words", word, wanted=wanted, must=not rather, forms=(word,), said=said)
            if known:
                return
        # From the first word that says something to the last, as an encoder reads sentences better than lists of words.
        start, last = rest.find(content[0]), rest.rfind(content[-1])
        phrase = " ".join(rest[start : last + len(content[-1])].replace(_BETWEEN, " ").split())
        self._wish("meaning", phrase or " ".join(content), wanted=wanted, must=False, said=said)

    def _content(self, text: str) -> list[str]:
        """The words that ask for something, in order."""
        words: list[tuple[int, str]] = []
        for match in _ENGLISH.finditer(text):
            if match.group() not in grammar.FILLER_EN and 1 < len(match.group()) <= _LONGEST_WORD:
                words.append((match.start(), match.group()))
        for match in _HAN.finditer(grammar.FILLER_ZH.sub(lambda found: " " * len(found.group()), text)):
            words += [(match.start(), word) for word in segment(match.group()) if word]
        return [word for _, word in sorted(words, key=lambda pair: pair[0])]

    def _names(self, text: str) -> Iterator[tuple[int, int, Name]]:
        """Where a text names a category, tag, seller, colour or material; the longest name at each place."""
        names = self.index.names
        spans = [match.span() for match in _ENGLISH.finditer(text)]
        after = 0
        found: list[tuple[int, int, Name]] = []
        for place, (start, _) in enumerate(spans):
            if start < after:
                continue
            for count in range(min(LONGEST_NAME, len(spans) - place), 0, -1):
                end = spans[place + count - 1][1]
                name = names.get(key(text[start:end]))
                if name is not None and _BETWEEN not in text[start:end]:
                    found.append((start, end, name))
                    after = end
                    break
        for run in _HAN.finditer(text):
            start = run.start()
            while start < run.end():
                for end in range(min(run.end(), start + 2 * LONGEST_NAME), start, -1):
                    name = names.get(text[start:end])
                    if name is not None:
                        found.append((start, end, name))
                        start = end - 1
                        break
                start += 1
        yield from sorted(found, key=lambda one: one[0])

    def _made(
        self,
        facet: Facet,
        value: str,
        *,
        wanted: bool = True,
        must: bool = True,
        least: float | None = None,
        most: float | None = None,
        forms: tuple[str, ...] = (),
        said: str = "",
    ) -> Wish:
        return Wish(
            facet=facet, value=value, wanted=wanted, must=must, least=least, most=most, forms=forms, said=said,
            turn=self.wishes.turns,
        )  # fmt: skip

    def _wish(self, facet: Facet, value: str, **fields: object) -> None:
        wish = self._made(facet, value, **fields)  # type: ignore[arg-type]
        if wish.facet in MEASURES:
            self.found = [*Wishes(wishes=tuple(self.found)).plus([wish]).wishes]
        else:
            self.found.append(wish)


def _most_special(named: list[Wish]) -> list[Wish]:
    """Nothing red among the shoes, where both are named together; each by itself would be too much."""
    kinds = [wish for wish in named if wish.facet == "category"]
    others = [wish for wish in named if wish.facet != "category"]
    if not kinds or not others:
        return named
    return [wish.model_copy(update={"within": kinds[0].value}) for wish in others]
