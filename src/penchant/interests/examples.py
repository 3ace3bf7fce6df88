"""Labelled texts as a labeller learns from them: each distinct text once, its labels as paths of one spelling."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from penchant.data.community import Community
from penchant.errors import InputError, TooLittleDataError, UnknownIdError
from penchant.interests.taxonomy import Taxonomy, ancestors, normal_path


@dataclass(frozen=True)
class LabelledTexts:
    """Texts with the labels somebody gave them; `given` holds every answer a text was given, repeats and all.

    A text that was handed in twice with different labels keeps both answers: they are contradictory, and a labeller
    with one label a text learns from each by its share.

    >>> texts = LabelledTexts.of(["好锅", "好锅 ", "好书"], ["家居>锅", "书籍", "书籍"])
    >>> texts.texts, texts.given[0], texts.contradictory
    (('好锅', '好书'), (('家居 > 锅',), ('书籍',)), 1)
    """

    texts: tuple[str, ...]
    given: tuple[tuple[tuple[str, ...], ...], ...]
    """For each text one tuple of labels for each time it was labelled."""

    @classmethod
    def of(cls, texts: Sequence[str], labels: Sequence[str | Iterable[str]]) -> "LabelledTexts":
        """Join equal texts and spell labels one way; a text without labels is known to have none.

        Raises:
            InputError: there are not as many labels as texts, a text is blank, or a label has an empty level.
        """
        if len(texts) != len(labels):
            raise InputError(f"{len(texts)} texts and {len(labels)} sets of labels; give one set for each text")
        found: dict[str, list[tuple[str, ...]]] = {}
        for place, (text, given) in enumerate(zip(texts, labels, strict=True)):
            stripped = text.strip()
            if not stripped:
                raise InputError(f"labelled text {place} is blank; nothing can be learned from it: leave it out")
            found.setdefault(stripped, []).append(lowest(given))
        return cls(tuple(found), tuple(tuple(answers) for answers in found.values()))

    @classmethod
    def of_community(cls, community: Community, *splits: str | None) -> "LabelledTexts":
        """The labelled texts of a community whose split is one of those named; all of them if none is named.

        A row that names an item instead of a text stands for the item's own text. Blank texts are passed over.

        Raises:
            UnknownIdError: a row names an item that the community does not have.
            TooLittleDataError: there is no labelled text.
        """
        rows = community.labels
        if splits:
            named = [split for split in splits if split is not None]
            wanted = pl.col("split").is_in(named)
            rows = rows.filter(wanted | pl.col("split").is_null() if None in splits else wanted)
        texts, labels = [], []
        for text, item_id, given in rows.select("text", "item_id", "labels").iter_rows():
            if text is None and item_id is not None:
                if item_id not in community.item_ids:
                    raise UnknownIdError(f"the labels name the item {item_id!r}, which the community does not have")
                text = community.item_texts[community.item_ids.row(item_id)]
            if text and text.strip():
                texts.append(text)
                labels.append(given or [])
        if not texts:
            raise TooLittleDataError("the community has no labelled texts; fill its labels table (text, labels)")
        return cls.of(texts, labels)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def labels(self) -> frozenset[str]:
        """Every label given to any text, without those it implies."""
        return frozenset(label for answers in self.given for answer in answers for label in answer)

    @property
    def contradictory(self) -> int:
        """Texts that were labelled more than once, and not always the same."""
        return sum(len(set(answers)) > 1 for answers in self.given)

    @property
    def exclusive(self) -> bool:
        """Whether every answer is exactly one label, so that labels shut each other out."""
        return all(len(answer) == 1 for answers in self.given for answer in answers)

    def taxonomy(self) -> Taxonomy:
        """The tree of all labels given."""
        return Taxonomy(self.labels)

    def take(self, rows: Iterable[int]) -> "LabelledTexts":
        """Some of the texts, in the order of the rows."""
        chosen = list(rows)
        return LabelledTexts(tuple(self.texts[row] for row in chosen), tuple(self.given[row] for row in chosen))


def lowest(given: str | Iterable[str]) -> tuple[str, ...]:
    """Labels of one spelling, sorted, without those that another of them implies.

    >>> lowest(["家居", "家居>锅"])
    ('家居 > 锅',)
    """
    paths = {normal_path(label) for label in ([given] if isinstance(given, str) else given)}
    implied = {above for path in paths for above in ancestors(path)}
    return tuple(sorted(paths - implied))
