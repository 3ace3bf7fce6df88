"""`penchant bench social --protocol friends`: a tenth of the ties hidden, and who finds them among everyone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import scipy.sparse as sp

from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.community import Community
from penchant.data.public import load
from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import Difference, statistic_difference
from penchant.evaluation.cost import measured
from penchant.social.friends import Friends, FriendsConfig
from penchant.social.graph import Graph
from penchant.social.hidden_ties import each_tie, tie_matrix, without_ties
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, chunks, top_k

K: Final = 20
KEY: Final = f"friends_hits@{K}"
HIDDEN: Final = 0.1
PLAIN: Final = "Adamic–Adar"
ORDER: Final = "without the ranker"
TIES_ALONE: Final = "without likes"
FEWEST: Final = 20
"""Hidden ties, below whom a figure would be chance."""


@dataclass
class _System:
    """What one system found: for each seed, each hidden tie and the member it was hidden from."""

    hits: list[np.ndarray] = field(default_factory=list)
    members: list[Rows] = field(default_factory=list)

    @property
    def metrics(self) -> list[dict[str, float]]:
        return [{KEY: float(found.mean())} for found in self.hits]


def run_friends(data: str, seeds: Sequence[int]) -> BenchResult:
    """Hide a tenth of the ties, each in both directions where ties are mutual; rank everyone who is left.

    Everybody but oneself, those tied already, the blocked and the private is ranked for each member, and a hidden tie
    is found where it stands among the first 20; equal scores go by id. The ranker learns from ties hidden from the rest
    in turn, and is used only where it beats friends in common on such ties; the hidden tenth decides nothing.

    Args:
        data: with ties.
        seeds: a repetition for each.

    Raises:
        TooLittleDataError: there are too few ties to hide any.
    """
    systems: dict[str, _System] = {}
    table: list[dict[str, Cell]] = []
    gains: dict[str, list[float]] = {}
    with measured() as cost:
        community = load(data)
        graph = Graph.of(community)
        for seed in seeds:
            _seed(community, graph, seed, systems, table, gains)
    ours = systems.pop("penchant")
    metrics = ours.metrics
    for place, means in enumerate(metrics):
        means["friends_gain"] = means[KEY] / max(systems[PLAIN].metrics[place][KEY], 1e-9)
    features: list[dict[str, Cell]] = [
        {"feature": name, "share of the gain": sum(shares) / len(shares)} for name, shares in gains.items()
    ]
    features.sort(key=lambda row: -float(row["share of the gain"] or 0))
    return BenchResult(
        name="social",
        data=data_name(data),
        protocol="friends",
        metrics=figures(metrics),
        baselines={name: figures(system.metrics) for name, system in systems.items()},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        differences={name: {KEY: _difference(ours, system)} for name, system in systems.items()},
        tables={"what orders the candidates": table, **({"what the ranker goes by": features} if features else {})},
    )


def _seed(
    community: Community,
    graph: Graph,
    seed: int,
    systems: dict[str, _System],
    table: list[dict[str, Cell]],
    gains: dict[str, list[float]],
) -> None:
    options = Options(seed=seed)
    whole = Friends(community, graph)
    ties = each_tie(whole.features)
    # A stream of its own, so that what the ranker hides from itself does not follow from it.
    hidden = ties[np.random.default_rng((seed, 1)).permutation(len(ties))[: round(HIDDEN * len(ties))]]
    if len(hidden) < FEWEST:
        raise TooLittleDataError(f"{len(ties)} ties leave {len(hidden)} to hide; at least {FEWEST} are needed")
    wanted = tie_matrix(hidden, graph.member_count, both_ways=not whole.features.directed)
    members = np.flatnonzero(np.diff(wanted.indptr)).astype(np.int64)
    rest = without_ties(whole.features, hidden).graph
    config = FriendsConfig(ties="directed" if whole.features.directed else "mutual")
    with measured() as cost:
        friends = Friends(community, rest, config).fit(options)
    table.append(
        {"seed": seed, "hidden": int(wanted.nnz), "order": friends.verdict.told(), "seconds": round(cost.seconds, 1)}
    )
    for name, share in (friends.ranker.importance() if friends.ranker.has_learned else {}).items():
        gains.setdefault(name, []).append(share)
    bare = replace(rest, likes=_emptied(rest.likes), dislikes=_emptied(rest.dislikes))
    ranked = {
        "penchant": friends.rank(members, K),
        TIES_ALONE: Friends(community, bare, config).fit(options).rank(members, K),
        ORDER: Friends(community, rest, config).rank(members, K),
    }
    for name, found in ranked.items():
        _add(systems, name, found, wanted, members)
    for name, measure in _plain(friends).items():
        _add(systems, name, _best(friends, measure, members), wanted, members)


def _plain(friends: Friends) -> dict[str, Callable[[Rows], sp.csr_matrix | Floats]]:
    """Measures of nearness that need no learning."""
    near, walk = friends.features.near, friends.config.candidates.walk
    return {
        "common neighbours": near.common_neighbours,
        PLAIN: near.adamic_adar,
        "resource allocation": near.resource_allocation,
        "personalised PageRank": lambda rows: near.pagerank(rows, walk),
        "likes in common": friends.taste.alike,
    }


def _best(friends: Friends, measure: Callable[[Rows], sp.csr_matrix | Floats], members: Rows) -> Rows:
    """(members, k) the best of everyone by one measure."""
    parts = []
    for part in chunks(len(members), friends.config.candidates.members_at_once(friends.graph.member_count)):
        found = measure(members[part])
        scores = np.array(found if isinstance(found, np.ndarray) else found.toarray(), dtype=np.float32)
        scores[friends.features.shut(members[part])] = -np.inf
        parts.append(top_k(scores, K, tie_rank=friends.community.member_ids.id_rank))
    return np.concatenate(parts)


def _add(systems: dict[str, _System], name: str, ranked: Rows, wanted: sp.csr_matrix, members: Rows) -> None:
    hits, owners = [], []
    for place, member in enumerate(members):
        theirs = wanted.indices[wanted.indptr[member] : wanted.indptr[member + 1]]
        hits.append(np.isin(theirs, ranked[place]).astype(np.float64))
        owners.append(np.full(len(theirs), member))
    system = systems.setdefault(name, _System())
    system.hits.append(np.concatenate(hits))
    system.members.append(np.concatenate(owners))


def _difference(ours: _System, theirs: _System) -> Difference:
    """Over all hidden ties of all seeds; members are drawn with all of theirs."""
    return statistic_difference(
        lambda first, second: float(first.mean() - second.mean()),
        np.concatenate(ours.hits),
        np.concatenate(theirs.hits),
        groups=np.concatenate(ours.members),
    )


def _emptied(matrix: sp.csr_matrix) -> sp.csr_matrix:
    return sp.csr_matrix(matrix.shape, dtype=np.float32)
