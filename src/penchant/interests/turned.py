"""Tiers marked by verdicts of change: what a member has turned to emerges, what they turned from fades."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from penchant.data.columns import PATH_SEPARATOR
from penchant.data.drift import Change, DriftVerdict
from penchant.data.strata import SCHEMA, Tier
from penchant.data.vocabulary import Vocabulary

_LASTING: Final = (Change.ABRUPT, Change.GRADUAL, Change.SEASONAL)
_TURNED_TO: Final = (Tier.REGULAR, Tier.LATENT)
"""What may emerge: a core interest that grows has been there all along."""
_TURNED_FROM: Final = (Tier.CORE, Tier.REGULAR)


def turned(
    table: pl.DataFrame, labels: Sequence[str], member_ids: Vocabulary, verdicts: Mapping[str, DriftVerdict]
) -> pl.DataFrame:
    """A table of tiers in which verdicts have their say.

    A lasting change makes what the member turned to emerging and what they turned from fading; a blip that has passed
    makes what looked emerging a regular interest. Verdicts speak of subjects, and mark the labels at and below them.

    Args:
        table: rows of `member`, `label` and `tier`.
        labels: of the tree, by row.
        member_ids: of the community.
        verdicts: by member id; those of unknown members say nothing.
    """
    marks: list[tuple[int, int, str, str]] = []
    for member_id, verdict in verdicts.items():
        row = member_ids.row_or_none(member_id)
        if row is None or verdict.change not in (*_LASTING, Change.BLIP):
            continue
        gained, lost = (_below(labels, subjects) for subjects in (verdict.after, verdict.before))
        if verdict.change == Change.BLIP:
            marks += [(row, label, Tier.EMERGING.value, Tier.REGULAR.value) for label in gained]
            continue
        marks += [(row, label, tier.value, Tier.EMERGING.value) for label in gained for tier in _TURNED_TO]
        marks += [(row, label, tier.value, Tier.FADING.value) for label in lost for tier in _TURNED_FROM]
    if not marks:
        return table
    named = {"member": SCHEMA["member"], "label": SCHEMA["label"], "tier": SCHEMA["tier"], "_turned": SCHEMA["tier"]}
    told = pl.DataFrame(marks, schema=named, orient="row")  # type: ignore[arg-type]
    joined = table.join(
        told.unique(["member", "label", "tier"]), on=["member", "label", "tier"], how="left", maintain_order="left"
    )
    return joined.with_columns(pl.coalesce("_turned", "tier").alias("tier")).drop("_turned")


def _below(labels: Sequence[str], subjects: Sequence[str]) -> list[int]:
    """Rows of the labels that are one of some subjects, or lie below it."""
    return [
        row
        for row, label in enumerate(labels)
        if any(label == subject or label.startswith(subject + PATH_SEPARATOR) for subject in subjects)
    ]
