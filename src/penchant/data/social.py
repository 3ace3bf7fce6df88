"""Social vectors: the verdict that `social` gives and every other system may take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.verdicts import Evidence
from penchant.data.vocabulary import Vocabulary
from penchant.vectors import Floats, top_k

KIND: Final = "social-vectors"
LIKES_KEPT: Final = 50
"""Items kept of what a member's friends have lately liked."""
MEMBERS_AT_ONCE: Final = 4_096


@dataclass(frozen=True, eq=False)
class SocialVectors:
    """Members and items as vectors whose products tell what each member likes, and what their friends lately liked."""

    member_ids: Vocabulary
    item_ids: Vocabulary
    members: Floats
    """(members, width)"""
    items: Floats
    """(items, width)"""
    friends_likes: sp.csr_matrix
    """(members, items) how much the friends whose activity may be shown lately liked what the member has not met; the
    most liked items of each member alone."""

    @classmethod
    def of(
        cls,
        member_ids: Sequence[str] | pl.Series,
        item_ids: Sequence[str] | pl.Series,
        members: Floats,
        items: Floats,
        events: sp.csr_matrix,
        ties: sp.csr_matrix,
    ) -> Self:
        """Gather what friends like from the graph.

        Args:
            member_ids: in row order.
            item_ids: in row order.
            members: their vectors.
            items: their vectors.
            events: (members, items) likes, faded by age, so that what is recent counts.
            ties: (members, members) those along which activity may be shown.
        """
        parts = [
            _strongest(ties[start : start + MEMBERS_AT_ONCE] @ events, events[start : start + MEMBERS_AT_ONCE])
            for start in range(0, events.shape[0], MEMBERS_AT_ONCE)
        ]
        likes = sp.vstack(parts, format="csr") if parts else sp.csr_matrix(events.shape, dtype=np.float32)
        return cls(
            Vocabulary(member_ids, name="member"), Vocabulary(item_ids, name="item"),
            members, items, likes.astype(np.float32),
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.member_ids)

    def vector(self, member_id: str) -> Floats:
        """(width,) of one member.

        Raises:
            UnknownIdError: there is no such member.
        """
        return self.members[self.member_ids.row(member_id)]

    def candidates(self, member_id: str, k: int = 50) -> list[tuple[str, float]]:
        """The k items with the largest products, and those products; items met already are among them.

        Raises:
            UnknownIdError: there is no such member.
        """
        scores = (self.items @ self.vector(member_id))[None]
        rows = top_k(scores, k, tie_rank=self.item_ids.id_rank)[0]
        return [(self.item_ids.id(int(row)), float(scores[0, row])) for row in rows]

    def liked_by_friends(self, member_id: str, k: int = 20) -> Iterator[tuple[str, Evidence]]:
        """Up to k items that friends have lately liked and the member has not met, most liked first.

        The share of the evidence is the item's part of all that the friends' likes add up to.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = self.friends_likes[self.member_ids.row(member_id)]
        total = float(row.sum()) or 1.0
        order = np.lexsort((self._item_rank[row.indices], -row.data))[:k]
        for place in order:
            item_id = self.item_ids.id(int(row.indices[place]))
            yield item_id, Evidence(share=float(row.data[place]) / total, item_id=item_id, source="friends")

    @cached_property
    def _item_rank(self) -> np.ndarray:
        return self.item_ids.id_rank

    def save(self, folder: Path | str) -> None:
        """Write all of it."""
        save_artifact(
            folder,
            KIND,
            arrays={"members": self.members, "items": self.items},
            matrices={"friends_likes": self.friends_likes},
            meta={"member_ids": self.member_ids.ids.to_list(), "item_ids": self.item_ids.ids.to_list()},
        )

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read back what `save` wrote."""
        found = load_artifact(folder, KIND)
        return cls(
            Vocabulary(found.meta["member_ids"], name="member"),
            Vocabulary(found.meta["item_ids"], name="item"),
            found.arrays["members"],
            found.arrays["items"],
            found.matrices["friends_likes"],
        )


def _strongest(likes: sp.csr_matrix, met: sp.csr_matrix) -> sp.csr_matrix:
    """Of each row the largest cells that the member has not met; of equals those of the first items."""
    new = (likes - likes.multiply(met > 0)).tocsr()
    new.eliminate_zeros()
    rows = np.repeat(np.arange(new.shape[0]), np.diff(new.indptr))
    order = np.lexsort((new.indices, -new.data, rows))
    place = np.arange(len(order)) - new.indptr[rows[order]]
    kept = order[place < LIKES_KEPT]
    return sp.csr_matrix((new.data[kept], (rows[kept], new.indices[kept])), shape=new.shape)
