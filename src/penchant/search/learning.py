"""What judged queries teach a searcher: the map of queries, the weights of both lists, the order of the best."""

import logging
from dataclasses import dataclass

import numpy as np
import polars as pl
import scipy.sparse as sp

from penchant.errors import TooLittleDataError
from penchant.evaluation.bootstrap import paired_difference
from penchant.search.candidates import Candidates
from penchant.search.fusion import fuse, ndcg, ndcgs, pick_fusion
from penchant.search.judgements import Judgements
from penchant.search.personal import pick_strength
from penchant.search.querymap import QueryMap
from penchant.search.reranker import Reranker
from penchant.search.searcher import Asked, Searcher
from penchant.training.options import Options
from penchant.vectors import Floats

log = logging.getLogger(__name__)

FOLDS = 2
"""Parts of the judged queries, each mapped by what was learned on the others."""
HELD = 200_000
"""Items whose vectors are held in one block while learning asks for them again and again."""
SEARCH = ("query", "member_id", "asked_at")
"""What makes one search of one member."""
SEARCHES = 3_000
"""Searches by which the strength of taste is picked; a random sample where there are more."""
COMPARED = 1_000
"""Queries by which the map is compared with none."""


@dataclass(frozen=True)
class Learned:
    """What was learned, and how much better it was on judged queries that it was not learned on.

    Each figure is the NDCG@10 on the same queries: a tenth, which the order is not learned on.
    """

    queries: int
    words: float
    meaning: float
    fused: float
    reranked: float


def learn(searcher: Searcher, judgements: Judgements, options: Options) -> Learned | None:
    """Learn from judged queries, each step kept only where it does better on queries held out; None for too few.

    The order has to be better beyond chance, as an order that few queries taught misleads all others.

    The map of queries is learned twice more, each time without half of the queries, so that weights and order are
    learned on what the map does to queries it has never seen.

    Args:
        searcher: fitted; it changes.
        judgements: of queries about its items.
        options: seed and threads.
    """
    if searcher.dense is not None and len(searcher.dense) <= HELD:
        searcher.dense.hold()
    try:
        return _learned(searcher, judgements, options)
    finally:
        if searcher.dense is not None:
            searcher.dense.release()


def _learned(searcher: Searcher, judgements: Judgements, options: Options) -> Learned | None:
    grades = judgements.matrix(searcher.catalogue)
    answered = np.flatnonzero(np.asarray((grades > 0).sum(axis=1)).ravel())
    if len(answered) < searcher.config.least_queries:
        log.warning(
            "%d judged queries have an answer and %d are wanted, so search keeps its settings",
            len(answered), searcher.config.least_queries,
        )  # fmt: skip
        return None
    # In no order, so that any first so many are a fair sample.
    answered = options.rng().permutation(answered)
    grades = sp.csr_matrix(grades[answered])
    asked = [searcher.read(judgements.queries[place]) for place in answered]
    searcher.query_map, searcher.reranker = None, None
    folds = np.arange(len(asked)) % FOLDS
    found = _out_of_fold(searcher, asked, grades, folds, options)
    relevant = sp.csr_matrix(grades.maximum(0))
    rank = searcher.catalogue.id_rank
    searcher.fusion = pick_fusion(found, relevant, rank, searcher.fusion)
    away = np.arange(len(asked))[-len(asked) // 5 :]
    stopping, held = away[::2], away[1::2]
    heads = [searcher.head(one) for one in found]
    judged = relevant[held]
    before = after = ndcgs([heads[n][1] for n in held], [heads[n][0] for n in held], judged, rank)
    if searcher.config.reranker is not None:
        rows = [searcher.features(*head) for head in heads]
        gained = [np.asarray(relevant[n, head.rows].todense()).ravel() for n, (head, _) in enumerate(heads)]
        try:
            # Queries that say when to stop cannot say how good the order is.
            kept = np.setdiff1d(np.arange(len(asked)), held)
            reranker = Reranker(searcher.config.reranker).fit(
                [rows[n] for n in kept],
                [gained[n] for n in kept],
                np.flatnonzero(np.isin(kept, stopping)).tolist(),
                options,
            )
        except TooLittleDataError as error:
            log.warning("no order was learned: %s", error)
        else:
            found_after = ndcgs([reranker.score(rows[n]) for n in held], [heads[n][0] for n in held], judged, rank)
            if paired_difference(found_after, before).low > 0:
                searcher.reranker, after = reranker, found_after
    searcher.strength = _strength(searcher, judgements, asked, found, answered, options.rng())
    own = [found[n] for n in held]
    alone = [searcher.fusion.model_copy(update={"method": "rank", "meaning": meaning}) for meaning in (0.0, 1.0)]
    words, meaning = (ndcg([fuse(one, config) for one in own], own, judged, rank) for config in alone)
    return Learned(len(asked), words, meaning, float(before.mean()), float(after.mean()))


def _out_of_fold(
    searcher: Searcher, asked: list[Asked], grades: sp.csr_matrix, folds: np.ndarray, options: Options
) -> list[Candidates]:
    """Candidates of each query under a map that never saw it; the map of all queries stays with the searcher.

    A map that makes no better lists by meaning than none is dropped.
    """
    plain = searcher.vectors(asked)
    if plain is None or searcher.dense is None or searcher.config.query_map is None:
        return searcher.candidates(asked, plain=plain)
    items = searcher.dense.vectors(np.arange(len(searcher.catalogue)))
    mapped = plain.copy()
    for fold in range(FOLDS):
        own, others = np.flatnonzero(folds == fold), np.flatnonzero(folds != fold)
        learned = QueryMap(searcher.config.query_map).fit(plain[others], items, grades[others], options)
        mapped[own] = learned.apply(plain[own])
    found = searcher.candidates(asked, plain=plain, mapped=mapped)
    relevant, rank = sp.csr_matrix(grades.maximum(0)), searcher.catalogue.id_rank
    some = slice(0, COMPARED)
    without = searcher.candidates(asked[some], plain=plain[some])
    if _by_meaning(found[some], relevant[some], rank) <= _by_meaning(without, relevant[some], rank):
        return searcher.candidates(asked, plain=plain)
    searcher.query_map = QueryMap(searcher.config.query_map).fit(plain, items, grades, options)
    return found


def _by_meaning(found: list[Candidates], relevant: sp.csr_matrix, rank: np.ndarray) -> float:
    return ndcg([one.cosine for one in found], found, relevant, rank)


def _strength(
    searcher: Searcher,
    judgements: Judgements,
    asked: list[Asked],
    found: list[Candidates],
    answered: np.ndarray,
    rng: np.random.Generator,
) -> float:
    """How much taste counts, by what members took after they searched; as configured where too few did."""
    if searcher.community is None or searcher.dense is None or "member_id" not in judgements.table.columns:
        return searcher.strength
    place = {judgements.queries[number]: n for n, number in enumerate(answered.tolist())}
    scores: list[Floats] = []
    near: list[Floats | None] = []
    heads: list[Candidates] = []
    cells: list[tuple[int, int, float]] = []
    own = judgements.table.filter(pl.col("query").is_in(list(place)) & (pl.col("grade") > 0))
    searches = own.select(SEARCH).unique(maintain_order=True)
    if len(searches) > SEARCHES:
        some = searches[np.sort(rng.permutation(len(searches))[:SEARCHES])]
        own = own.join(some, on=SEARCH, how="semi", maintain_order="left")
    for (query, member, at), rows in own.group_by(SEARCH, maintain_order=True):
        taste = searcher.taste(str(member), before=at)
        if taste is None:
            continue
        head, score = searcher.head(found[place[str(query)]])
        if searcher.reranker is not None:
            score = searcher.reranker.score(searcher.features(head, score))
        wanted = [(row, grade) for item, grade in rows.select("item_id", "grade").iter_rows()
                  if (row := searcher.catalogue.row(item)) is not None]  # fmt: skip
        cells += [(len(heads), row, grade) for row, grade in wanted]
        heads.append(head)
        scores.append(score)
        near.append(searcher.near(taste, head.rows))
    if len(heads) < searcher.config.least_queries:
        return searcher.strength
    asks, items, grades = zip(*cells, strict=True)
    relevant = sp.csr_matrix((grades, (asks, items)), shape=(len(heads), len(searcher.catalogue)))
    return pick_strength(scores, near, heads, relevant, searcher.catalogue.id_rank)
