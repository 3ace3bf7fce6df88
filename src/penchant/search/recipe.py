"""From a community to a searcher: index its items, learn from what was judged; and how good one is."""

import logging
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from penchant.data.community import Community
from penchant.evaluation.ranking import RankingMetrics, evaluate_rankings
from penchant.search.config import SearchConfig
from penchant.search.fusion import ranked
from penchant.search.judgements import Judgements, from_events
from penchant.search.learning import learn
from penchant.search.searcher import Searcher
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import Rows

log = logging.getLogger(__name__)


def train(
    community: Community,
    config: SearchConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    judgements: Judgements | None = None,
) -> Searcher:
    """A searcher for the items of a community.

    Args:
        community: whose items are searched.
        config: how; the defaults if absent.
        options: how to run.
        encoder: reads items and queries; without one, items are found by words alone.
        judgements: which items answer which queries; if absent, what members took after they searched.
    """
    options = options or Options()
    searcher = Searcher(config, encoder=encoder).fit(community)
    learned = learn(searcher, judgements if judgements is not None else from_events(community), options)
    if learned is not None:
        log.info(
            "NDCG@10 on %d judged queries: words %.4f, meaning %.4f, fused %.4f, reranked %.4f",
            learned.queries, learned.words, learned.meaning, learned.fused, learned.reranked,
        )  # fmt: skip
    return searcher


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good the answers to judged queries are."""

    metrics: RankingMetrics
    """Over the whole catalogue: what nobody judged counts as no answer."""
    among_judged: RankingMetrics
    """Among the judged items of each query alone, in the order that the searcher puts them in."""
    ranked: Rows
    """(queries, k) rows of the catalogue, best first, -1 where there are no more."""


def evaluate(searcher: Searcher, judgements: Judgements, *, k: int = 10) -> Evaluation:
    """Judge a searcher's answers by the judgements of queries it has not learned from.

    Args:
        searcher: fitted.
        judgements: of queries about its items.
        k: length of the answers.

    Raises:
        TooLittleDataError: no query has an item that answers it.
    """
    asked = [searcher.read(query) for query in judgements.queries]
    found = [searcher.ordered(one, max(k, searcher.config.depth)) for one in searcher.candidates(asked)]
    heads, scores = [head for head, _ in found], [score for _, score in found]
    return judged(ranked(scores, heads, searcher.catalogue.id_rank, searcher.config.depth * 2), judgements, searcher, k)


def judged(lists: Rows, judgements: Judgements, searcher: Searcher, k: int) -> Evaluation:
    """Judge lists of rows; those of a query's judged items that are not in its list come last, by id."""
    grades = judgements.matrix(searcher.catalogue)
    relevant = sp.csr_matrix(grades.maximum(0))
    relevant.eliminate_zeros()
    rank = searcher.catalogue.id_rank
    longest = int(np.diff(grades.indptr).max(initial=1))
    among = np.full((len(lists), max(longest, k)), -1, dtype=np.int64)
    for place, shown in enumerate(lists):
        own = grades.indices[grades.indptr[place] : grades.indptr[place + 1]]
        position = {row: number for number, row in enumerate(shown.tolist())}
        order = sorted(own.tolist(), key=lambda row: (position.get(row, len(shown)), rank[row]))
        among[place, : len(order)] = order
    return Evaluation(evaluate_rankings(lists[:, :k], relevant, k), evaluate_rankings(among, relevant, k), lists[:, :k])
