from pathlib import Path

import pytest
from shelves import asked, bazaar, searching_members
from word_encoder import WordEncoder

from penchant.search import Judgements, SearchConfig, Searcher, evaluate, from_events, learn, train
from penchant.search.querymap import QueryMapConfig
from penchant.search.reranker import RerankerConfig
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
QUICK = SearchConfig(
    query_map=QueryMapConfig(epochs=20, learning_rate=0.01, negatives=64),
    reranker=RerankerConfig(trees=40, learning_rate=0.2, least_rows=10),
)


@pytest.fixture(scope="module")
def parts() -> tuple[Judgements, Judgements]:
    judged = asked(260)
    return judged.part(judged.queries[:200]), judged.part(judged.queries[200:])


def ndcg(searcher: Searcher, judgements: Judgements) -> float:
    return evaluate(searcher, judgements).metrics.means["ndcg@10"]


def test_judged_queries_teach_other_names_of_things_and_the_gain_holds_for_queries_never_seen(
    parts: tuple[Judgements, Judgements], tmp_path: Path
) -> None:
    searcher = Searcher(QUICK, encoder=WordEncoder()).fit(bazaar())
    before = ndcg(searcher, parts[1])
    learned = learn(searcher, parts[0], OPTIONS)
    assert learned is not None
    assert learned.queries == 200
    assert learned.reranked >= learned.fused > max(learned.words, 0.5)
    assert ndcg(searcher, parts[1]) > before + 0.15
    assert searcher.query_map is not None
    searcher.save(tmp_path)
    assert ndcg(Searcher.load(tmp_path, encoder=WordEncoder()), parts[1]) == ndcg(searcher, parts[1])


def test_without_a_map_the_order_is_learned_and_saved(parts: tuple[Judgements, Judgements], tmp_path: Path) -> None:
    searcher = Searcher(QUICK.model_copy(update={"query_map": None}), encoder=WordEncoder()).fit(bazaar())
    before = ndcg(searcher, parts[1])
    learned = learn(searcher, parts[0], OPTIONS)
    assert learned is not None
    assert searcher.reranker is not None
    assert learned.reranked > learned.fused
    assert ndcg(searcher, parts[1]) > before + 0.05
    assert searcher.search("red skillet").strategy.endswith("in the order learned from judged queries")
    searcher.save(tmp_path)
    assert ndcg(Searcher.load(tmp_path, encoder=WordEncoder()), parts[1]) == ndcg(searcher, parts[1])


def test_what_is_switched_off_is_not_learned(parts: tuple[Judgements, Judgements]) -> None:
    config = QUICK.model_copy(update={"query_map": None, "reranker": None})
    searcher = Searcher(config, encoder=WordEncoder()).fit(bazaar())
    learned = learn(searcher, parts[0], OPTIONS)
    assert learned is not None
    assert learned.reranked == learned.fused
    assert (searcher.query_map, searcher.reranker) == (None, None)
    wordy = Searcher(QUICK).fit(bazaar())
    assert learn(wordy, parts[0], OPTIONS) is not None
    assert wordy.query_map is None


def test_too_few_judged_queries_teach_nothing(parts: tuple[Judgements, Judgements]) -> None:
    searcher = Searcher(QUICK, encoder=WordEncoder()).fit(bazaar())
    few = parts[0].part(parts[0].queries[:99])
    assert learn(searcher, few, OPTIONS) is None
    assert (searcher.query_map, searcher.reranker, searcher.fusion) == (None, None, QUICK.fusion)


def test_the_order_among_judged_items_alone_is_measured_too(parts: tuple[Judgements, Judgements]) -> None:
    searcher = Searcher().fit(bazaar())
    graded = Judgements.of({"red dress": {"i0": 1.0, "i48": 2.0, "i7": 0.0}})
    judged = evaluate(searcher, graded)
    assert judged.ranked.shape == (1, 10)
    assert judged.among_judged.means["ndcg@10"] >= judged.metrics.means["ndcg@10"]


@pytest.mark.parametrize("by_taste", [True, False])
def test_taste_counts_as_far_as_members_took_what_they_like(by_taste: bool) -> None:
    community = searching_members(by_taste=by_taste, members=80)
    config = SearchConfig(query_map=None, reranker=None, least_queries=1)
    searcher = train(community, config, OPTIONS, encoder=WordEncoder())
    assert (searcher.strength >= 0.3) is by_taste
    assert train(community, config, OPTIONS).strength == config.personal.strength


def test_a_community_is_learned_from_what_its_members_took() -> None:
    community = searching_members(by_taste=True)
    assert 0 < len(from_events(community)) < 100
    searcher = train(community, QUICK, OPTIONS, encoder=WordEncoder())
    assert searcher.reranker is None, "eight queries are too few"
    assert searcher.search("red", member_id="m0").picks
