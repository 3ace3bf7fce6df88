"""Judged prompts: titles that a member liked and disliked, another title, and whether they liked that one too."""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from penchant.data.columns import EventKind
from penchant.data.community import Community
from penchant.data.interactions import EventWeights, histories
from penchant.errors import InputError, ReadError

History = Sequence[tuple[str, bool]]
"""Titles, each with whether it was liked."""

LONGEST: Final = 200
"""Titles of one member that are learned from: their last ones."""


@dataclass(frozen=True)
class Prompt:
    """What is known of a member, and the title asked about.

    >>> Prompt((("Heat (1995)", True), ("Clueless (1995)", False)), "Ronin (1998)").liked
    ['Heat (1995)']
    """

    history: tuple[tuple[str, bool], ...]
    candidate: str

    @property
    def liked(self) -> list[str]:
        """The titles liked."""
        return [title for title, liked in self.history if liked]

    @property
    def disliked(self) -> list[str]:
        """The titles disliked."""
        return [title for title, liked in self.history if not liked]


@dataclass(frozen=True)
class Judged:
    """A prompt and its answer."""

    prompt: Prompt
    liked: bool


def by_member(rows: Sequence[Judged]) -> list[list[Judged]]:
    """The rows in runs of one member each: a row whose titles are mostly those of the row before goes on with it.

    Files hold a member's prompts one after the other, each a title further on, and rows must not teach one title of
    one member many times over.
    """
    runs: list[list[Judged]] = []
    before: set[tuple[str, bool]] = set()
    for row in rows:
        told = set(row.prompt.history)
        if runs and told and 2 * len(told & before) >= len(told):
            runs[-1].append(row)
        else:
            runs.append([row])
        before = told | {(row.prompt.candidate, row.liked)}
    return runs


def opinions_of(run: Iterable[Judged]) -> dict[str, bool]:
    """Every title of one member's rows once, and whether they liked it; what was said last counts."""
    found: dict[str, bool] = {}
    for row in run:
        found |= dict(row.prompt.history)
        found[row.prompt.candidate] = row.liked
    return found


def opinions_in(
    community: Community,
    weights: EventWeights | None = None,
    *,
    members: Sequence[int] | None = None,
    both: bool = True,
) -> dict[int, dict[str, bool]]:
    """Member row to titles and whether they liked them, of some members or all; with `both` only where there is each.

    An event of negative weight (a hide, a return) is a dislike; so is a rating below the middle of the community's
    scale; one of zero weight says nothing.
    """
    plain = weights or EventWeights()
    batch = histories(community, weights=plain.model_copy(update={"rating_floor": None}))
    ratings = community.events.filter(community.events["kind"] == EventKind.RATE.value)["amount"].drop_nulls()
    floored = batch
    if len(ratings):
        middle = (float(ratings.min()) + float(ratings.max())) / 2  # type: ignore[arg-type]
        floored = histories(community, weights=plain.model_copy(update={"rating_floor": middle}))
    # A weight that the floor takes away is a rating below the middle.
    told = batch.weights != 0
    likes = floored.weights > 0
    titles = community.titles
    found: dict[int, dict[str, bool]] = {}
    for row in range(len(batch)) if members is None else members:
        part = slice(int(batch.offsets[row]), int(batch.offsets[row + 1]))
        entries = [
            (titles[item], bool(like))
            for item, like, said in zip(batch.items[part], likes[part], told[part], strict=True)
            if said
        ]
        last = dict(entries[-LONGEST:])
        if not both or len(set(last.values())) == 2:
            found[row] = last
    return found


def read_preferences(path: Path | str) -> dict[str, list[Judged]]:
    """Judged prompts by split from a file of JSON lines: `history` [{`title`, `liked`}], `candidate`, `liked`, `split`.

    Without a split a row is for training. A name that ends with `.gz` is unpacked.

    Raises:
        ReadError: the file cannot be read, or a line is no such row; says which and why.
    """
    path = Path(path)
    try:
        packed = path.read_bytes()
        text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode("utf-8")
    except (OSError, ValueError, EOFError) as error:
        raise ReadError(f"{path} cannot be read: {error}") from error
    found: dict[str, list[Judged]] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            judged = Judged(prompt_of(row["history"], row["candidate"]), _answer(row["liked"]))
            split = str(row.get("split") or "train")
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise ReadError(
                f"{path}, line {number}: {error!s}; a row has history [{{title, liked}}], candidate, liked (true or "
                "false) and perhaps split"
            ) from error
        found.setdefault(split, []).append(judged)
    return found


def prompt_of(history: Iterable[Any], candidate: Any) -> Prompt:
    """A prompt from pairs, or mappings with `title` and `liked`.

    Raises:
        InputError: the candidate is no text, or an entry names no title.
    """
    if not isinstance(candidate, str) or not candidate.strip():
        raise InputError(f"the candidate is {candidate!r}; give the title asked about")
    entries = []
    for entry in history:
        title, liked = (entry["title"], entry["liked"]) if isinstance(entry, dict) else entry
        if not isinstance(title, str) or not title.strip():
            raise InputError(f"a title in the history is {title!r}; give its words")
        entries.append((title, _answer(liked)))
    return Prompt(tuple(entries), candidate)


def _answer(liked: Any) -> bool:
    if liked not in (True, False):
        raise InputError(f"liked is {liked!r}; give true or false")
    return bool(liked)
