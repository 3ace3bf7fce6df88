"""What the graph looks like: degrees, components, and whether ties join members of like taste."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from penchant.language import Lang, Phrase
from penchant.social.graph import Graph, TieCounts
from penchant.vectors import Floats, Rows

TIES_JUDGED: Final = 20_000
"""Ties whose two members are compared; a random sample where there are more."""
DRAWS: Final = 100
"""Times that the ties are rewired at random, to see what chance would give."""
STRONG: Final = 1.5

NO_TIES: Final = Phrase(
    "There are no ties between members, so recommendations rest on texts and events alone.",
    "会员之间没有关系数据，推荐仅依据文本与行为。",
)
NOT_JUDGED: Final = Phrase(
    "Too few ties join members with events to tell whether ties share interests.",
    "两端都有行为的关系太少，无法判断关系双方兴趣是否相近。",
)
ALIKE: Final = Phrase(
    "Tied members share {ratio:.1f} times as much taste as chance gives: expect a clear gain from ties.",
    "有关系的会员之间兴趣相近程度是随机情况的 {ratio:.1f} 倍：社交关系应有明显帮助。",
)
A_LITTLE: Final = Phrase(
    "Tied members share {ratio:.1f} times as much taste as chance gives: expect a small gain from ties.",
    "有关系的会员之间兴趣相近程度是随机情况的 {ratio:.1f} 倍：社交关系的帮助有限。",
)
BY_CHANCE: Final = Phrase(
    "Ties share no more taste than chance gives: expect nothing from them for taste.",
    "关系双方的兴趣并不比随机情况更相近：不要指望社交关系改善推荐。",
)


@dataclass(frozen=True)
class Homophily:
    """Whether tied members like the same things more than they would by chance."""

    tied: float
    """Mean cosine of the two members' tastes over ties; rare items count more than popular ones."""
    chance: float
    """The same over ties rewired at random, every member keeping how many they have."""
    p_value: float
    """Share of rewirings, one more counted, at least as alike."""
    ties: int
    """Ties judged: those between members who both have events."""

    @property
    def ratio(self) -> float:
        """How many times as alike as by chance."""
        return self.tied / self.chance if self.chance > 0 else float(self.tied > 0)


@dataclass(frozen=True)
class GraphStatistics:
    """The shape of a graph."""

    members: int
    items: int
    tags: int
    ties: int
    """Directed: a friendship counts twice."""
    events: int
    """Pairs of a member and an item that they like."""
    isolated: int
    """Members without a tie."""
    silent: int
    """Members without an event."""
    mean_degree: float
    """Ties a member has, on average."""
    median_degree: float
    largest_degree: int
    components: int
    """Of the ties alone, members without a tie left out."""
    largest_component: int
    """Members in it."""
    homophily: Homophily | None
    """None where too few ties can be judged."""
    counts: TieCounts

    def told(self, lang: Lang = "en") -> str:
        """What to expect from ties, in a sentence."""
        if not self.ties:
            return NO_TIES(lang)
        if self.homophily is None:
            return NOT_JUDGED(lang)
        if self.homophily.p_value > 0.05 or self.homophily.ratio <= 1:
            return BY_CHANCE(lang)
        return (ALIKE if self.homophily.ratio >= STRONG else A_LITTLE)(lang, ratio=self.homophily.ratio)

    def as_meta(self) -> dict[str, Any]:
        """As JSON can hold it."""
        found = dict(vars(self))
        found["counts"] = vars(self.counts)
        found["homophily"] = vars(self.homophily) if self.homophily else None
        return found

    @classmethod
    def of_meta(cls, meta: dict[str, Any]) -> "GraphStatistics":
        """Back from JSON."""
        homophily = Homophily(**meta["homophily"]) if meta["homophily"] else None
        return cls(**{**meta, "counts": TieCounts(**meta["counts"]), "homophily": homophily})


def statistics(graph: Graph, rng: np.random.Generator) -> GraphStatistics:
    """Measure a graph.

    Args:
        graph: to measure.
        rng: draws the ties that are judged, and rewires them.
    """
    degrees = np.diff(graph.ties.indptr)
    either = graph.ties.maximum(graph.ties.T)
    tied = np.diff(either.tocsr().indptr) > 0
    _, labels = connected_components(either, directed=False)
    sizes = np.bincount(labels[tied]) if tied.any() else np.zeros(1, dtype=np.int64)
    return GraphStatistics(
        members=graph.member_count,
        items=graph.item_count,
        tags=len(graph.tag_names),
        ties=int(graph.ties.nnz),
        events=int(graph.events.nnz),
        isolated=int((~tied).sum()),
        silent=int((np.diff(graph.events.indptr) == 0).sum()),
        mean_degree=float(degrees.mean()) if len(degrees) else 0.0,
        median_degree=float(np.median(degrees)) if len(degrees) else 0.0,
        largest_degree=int(degrees.max(initial=0)),
        components=int((sizes > 0).sum()),
        largest_component=int(sizes.max(initial=0)),
        homophily=homophily(graph, rng),
        counts=graph.counts,
    )


def homophily(graph: Graph, rng: np.random.Generator) -> Homophily | None:
    """Compare the tastes of tied members with those of members tied at random; None where too few can be judged."""
    upper = sp.triu(graph.ties.maximum(graph.ties.T), k=1).tocoo()
    active = np.diff(graph.events.indptr) > 0
    both = active[upper.row] & active[upper.col]
    first, second = upper.row[both].astype(np.int64), upper.col[both].astype(np.int64)
    if len(first) < 2:
        return None
    if len(first) > TIES_JUDGED:
        chosen = np.sort(rng.choice(len(first), TIES_JUDGED, replace=False))
        first, second = first[chosen], second[chosen]
    taste = _unit(graph.events)
    observed = _alike(taste, first, second)
    # Many small sums of few ties are as good as few of many, and cost the same.
    draws = max(20, min(DRAWS, 500_000 // len(first)))
    by_chance = np.array([_alike(taste, first, rng.permutation(second)) for _ in range(draws)])
    at_least = int((by_chance >= observed).sum())
    return Homophily(observed, float(by_chance.mean()), (at_least + 1) / (draws + 1), len(first))


def _unit(events: sp.csr_matrix) -> sp.csr_matrix:
    """Each member's items as a row of length one, an item of fewer members counting more."""
    members = np.bincount(events.indices, minlength=events.shape[1])
    rarity = np.log(events.shape[0] / np.maximum(members, 1) + 1).astype(np.float32)
    weighed = (events @ sp.diags_array(rarity)).tocsr()
    lengths = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1), dtype=np.float64)).ravel()
    return (sp.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ weighed).tocsr()


def _alike(taste: sp.csr_matrix, first: Rows, second: Rows) -> float:
    """Mean cosine of pairs; a pair that rewiring has made of one member with themselves is left out."""
    two = first != second
    cosines: Floats = np.asarray(taste[first[two]].multiply(taste[second[two]]).sum(axis=1), dtype=np.float32)
    return float(cosines.mean()) if len(cosines) else 0.0
