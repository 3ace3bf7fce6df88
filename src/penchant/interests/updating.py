"""A labeller brought up to newly labelled texts, with enough of the old ones rehearsed that these are not forgotten."""

from collections.abc import Sequence

import numpy as np

from penchant.errors import InputError
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller
from penchant.interests.taxonomy import Taxonomy
from penchant.text.encoder import Encoder
from penchant.training.options import Options


def update(
    labeller: Labeller,
    old: LabelledTexts,
    new: LabelledTexts,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    rehearsal: float = 1.0,
    unlabelled: Sequence[str] = (),
) -> Labeller:
    """A labeller that has learned the new texts and keeps what it knew.

    What it knew is kept by rehearsal (Robins, Catastrophic forgetting, rehearsal and pseudorehearsal, 1995): old texts
    are learned again beside the new ones, as many of each old label, and not all of them, which is what saves time.

    Args:
        labeller: fitted on the old texts.
        old: texts from which those to rehearse are drawn; of those labelled anew the new labels count alone.
        new: what has been labelled since; labels may be new too.
        options: seed, threads and device.
        encoder: the labeller's.
        rehearsal: old texts rehearsed for each new one; 0 forgets them.
        unlabelled: as for `Labeller.fit`.

    Raises:
        InputError: the rehearsal is negative.
    """
    if rehearsal < 0:
        raise InputError(f"rehearsal is {rehearsal}; give how many old texts to learn for each new one, 0 or more")
    options = options or Options()
    # What a text is now said to be takes the place of what it was said to be before.
    corrected = set(new.texts)
    old = old.take(row for row, text in enumerate(old.texts) if text not in corrected)
    rows = rehearsed(old, round(rehearsal * len(new)), options)
    texts = LabelledTexts(
        tuple(old.texts[row] for row in rows) + new.texts, tuple(old.given[row] for row in rows) + new.given
    )
    tree = Taxonomy({*labeller.taxonomy.labels, *new.labels})
    return Labeller(labeller.config).fit(texts, options, encoder=encoder, taxonomy=tree, unlabelled=unlabelled)


def rehearsed(old: LabelledTexts, count: int, options: Options) -> list[int]:
    """Rows of at most so many old texts, as evenly over their labels as these allow, drawn at random."""
    order = options.rng().permutation(len(old))
    taken: dict[tuple[str, ...], int] = {}
    turn = np.zeros(len(old), dtype=np.int64)
    for row in order.tolist():
        label = old.given[row][0]
        turn[row] = taken[label] = taken.get(label, 0) + 1
    # The first of every label, then the second of every label, and so on.
    return sorted(order[np.argsort(turn[order], kind="stable")][:count].tolist())
