"""A learned graph network as arrays: vectors of members, of strangers and of new items, with no training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from penchant.artifacts import load_artifact, save_artifact
from penchant.social.blocks import RELATIONS, own_normalised
from penchant.social.graph import averaged
from penchant.social.people import People
from penchant.vectors import Floats

KIND: Final = "social-network"


@dataclass(frozen=True, eq=False)
class Fused:
    """Ids and texts of one kind of node, mixed as the network learned to."""

    ids: Floats
    """(nodes, width)"""
    unknown: Floats
    """(width,) the id of all that training has not seen."""
    text: Floats
    """(width, text width); no columns where nothing is read."""
    gate: Floats
    """(width, 2 width) and the bias as a last column; empty where nothing is read."""

    def mixed(self, rows: np.ndarray, texts: Floats) -> Floats:
        """(nodes, width) vectors of some nodes before any message; those of row -1 and of later rows were not seen."""
        seen = (rows >= 0) & (rows < len(self.ids))
        own = np.where(seen[:, None], self.ids[np.where(seen, rows, 0)], self.unknown).astype(np.float32)
        if not self.text.shape[1] or not texts.shape[1]:
            return own
        read = texts @ self.text.T
        gate = 1 / (1 + np.exp(-(np.hstack([own, read]) @ self.gate[:, :-1].T + self.gate[:, -1])))
        spoken = np.asarray(texts != 0).any(axis=1, keepdims=True)
        return np.where(spoken, gate * own + (1 - gate) * read, own).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Propagated:
    """The vectors of every layer, the strengths of the relations, and the means to make vectors of who is new.

    A member's vector is made from their events, ties and words when it is asked for. For one who has done nothing since
    the network was learned it is the network's own.
    """

    members: Floats
    """(layers, members, width) vectors before each layer's messages."""
    items: Floats
    """(layers, items, width) likewise."""
    tags: Floats
    """(layers, tags, width) likewise."""
    item_vectors: Floats
    """(items, width) the final vectors."""
    strengths: Floats
    """(layers, relations) in the order of `RELATIONS`."""
    item_sums: Floats
    """(items,) what the likes of each add up to."""
    member_sums: Floats
    """(members,) what each one's likes add up to."""
    tag_sums: Floats
    """(tags,) what each tag's items add up to."""
    member_fusion: Fused
    item_fusion: Fused
    tag_names: tuple[str, ...] = ()
    """Of the tags' rows."""
    epochs: int = 0
    """Passes that were kept."""
    history: tuple[float, ...] = ()
    """NDCG on validation data at each judgement."""

    @property
    def name(self) -> str:
        """Of the source."""
        return "network"

    @property
    def layer_count(self) -> int:
        """Steps that a message goes."""
        return len(self.strengths)

    def vectors(self, people: People) -> Floats:
        """(people, width) their vectors, from what they did, whom they are tied to and what they wrote."""
        base = self.member_fusion.mixed(people.rows, people.said)
        likes, ties = own_normalised(people.events, self.item_sums), averaged(people.ties)
        total = base.copy()
        for depth in range(self.layer_count):
            total += self._strength(depth, "likes") * (likes @ self.items[depth])
            total += self._strength(depth, "ties") * (ties @ self.members[depth])
        return (total / (self.layer_count + 1)).astype(np.float32)

    def score(self, people: People) -> Floats:
        """(people, items) products of the people's vectors with every item's."""
        return self.vectors(people) @ self.item_vectors.T

    def told_strengths(self) -> dict[str, tuple[float, ...]]:
        """The strength of each relation, layer by layer."""
        return {
            name: tuple(round(float(value), 4) for value in self.strengths[:, place])
            for place, name in enumerate(RELATIONS)
        }

    def _strength(self, depth: int, relation: str) -> np.float32:
        return np.float32(self.strengths[depth, list(RELATIONS).index(relation)])

    def save(self, folder: Path) -> None:
        """Write all arrays."""
        arrays: dict[str, np.ndarray] = {
            name: getattr(self, name)
            for name in (
                "members", "items", "tags", "item_vectors", "strengths", "item_sums", "member_sums", "tag_sums",
            )
        }  # fmt: skip
        for kind, fusion in (("member", self.member_fusion), ("item", self.item_fusion)):
            arrays |= {f"{kind}.{name}": value for name, value in vars(fusion).items()}
        save_artifact(
            folder,
            KIND,
            arrays=arrays,
            meta={"epochs": self.epochs, "history": list(self.history), "tags": list(self.tag_names)},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        artifact = load_artifact(folder, KIND)
        arrays: dict[str, Any] = dict(artifact.arrays)
        fusions: dict[str, Any] = {
            f"{kind}_fusion": Fused(**{name: arrays.pop(f"{kind}.{name}") for name in Fused.__dataclass_fields__})
            for kind in ("member", "item")
        }
        meta = artifact.meta
        return cls(
            **arrays, **fusions,
            tag_names=tuple(meta["tags"]), epochs=meta["epochs"], history=tuple(meta["history"]),
        )  # fmt: skip
