from pathlib import Path

import polars as pl
import pytest
from shelves import searching_members, shelf
from word_encoder import WordEncoder

from penchant.data.community import Community
from penchant.errors import ArtifactError, ConfigError, NotFittedError, UnknownIdError
from penchant.search import Filters, SearchConfig, Searcher
from penchant.search.dense import DenseConfig
from penchant.search.features import FEATURES
from penchant.search.fusion import FusionConfig
from penchant.search.lexical import LexicalConfig
from penchant.search.personal import PersonalConfig
from penchant.search.reranker import Reranker
from penchant.vectors import Floats


@pytest.fixture(scope="module")
def words() -> Searcher:
    """By words alone."""
    return Searcher().fit(shelf())


@pytest.fixture(scope="module")
def both() -> Searcher:
    """By words and by meaning."""
    return Searcher(encoder=WordEncoder()).fit(shelf())


def ids(searcher: Searcher, query: str, k: int = 10, **options: object) -> list[str]:
    return [pick.item_id for pick in searcher.search(query, k, **options)]  # type: ignore[arg-type]


# -- what is found --


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("red dress", "d1"),
        ("连衣裙", "p2"),
        ("夏季連衣裙", "p2"),
        ("ＴＥＮＴ", "t1"),
        ("tent 8 ft", "t1"),
        ("cotton", "d1"),
        ("锅 summer dress with flowers", "d1"),
        ("summr dres", "d1"),
        ("煎牛排", "p1"),
    ],
)
def test_the_planted_item_comes_first(words: Searcher, query: str, first: str) -> None:
    assert ids(words, query)[0] == first


def test_a_whole_title_finds_its_item_first_whatever_was_learned(both: Searcher) -> None:
    class Backwards(Reranker):
        def score(self, rows: Floats) -> Floats:
            return -rows[:, FEATURES.index("fused")]

    misled = Searcher(encoder=WordEncoder()).fit(shelf())
    misled.reranker = Backwards()
    assert misled.search("red dress")[0].item_id != "d1"
    assert misled.search("RED summer dress")[0].item_id == "d1"


def test_what_is_not_available_is_not_found(words: Searcher) -> None:
    assert "d3" not in ids(words, "winter coat")
    assert ids(words, "winter coat", filters=Filters(available=False))[0] == "d3"


def test_filters_hold_in_both_lists(both: Searcher) -> None:
    assert set(ids(both, "red dress", filters=Filters(categories=("服饰",), max_price=100))) == {"d1", "p2"}
    with pytest.raises(ConfigError, match="no item has the category '鞋'"):
        both.search("dress", filters=Filters(categories=("鞋",)))


def test_meaning_finds_what_no_word_finds_and_the_answer_says_so(both: Searcher) -> None:
    both_ways = both.search("xylophone", 3)
    assert len(both_ways) == 3
    assert both_ways.strategy == "meaning alone, as no item has any of the words"
    assert {pick.reason for pick in both_ways} == {"Close in meaning to the query."}


def test_k_beyond_the_catalogue_gives_all_that_may_be_shown(both: Searcher, words: Searcher) -> None:
    assert sorted(ids(both, "dress", 10_000)) == ["d1", "d2", "p1", "p2", "t1"]
    assert set(ids(words, "dress", 10_000)) == {"d1", "d2"}
    assert len(both.search("dress", 1)) == 1
    with pytest.raises(ConfigError, match="k is 0"):
        both.search("dress", 0)


# -- bad queries --


@pytest.mark.parametrize("query", ["", "   ", "?!…", "。，！", "🙂🙂", "\ud83d", "\x00\n"])
@pytest.mark.parametrize("name", ["words", "both"])
def test_a_query_without_words_finds_nothing_and_says_why(
    name: str, query: str, request: pytest.FixtureRequest
) -> None:
    found = request.getfixturevalue(name).search(query)
    assert len(found) == 0
    assert found.strategy == "nothing: the query has no words"


def test_a_query_of_ten_kilobytes_is_cut_and_the_answer_says_so(both: Searcher) -> None:
    found = both.search("red dress " + "padding words " * 800)
    assert found[0].item_id == "d1"
    assert found.strategy.endswith("only the first 256 characters were read")
    assert len(both.search("连衣裙" * 3_000)) > 0
    assert both.search("x" * 10_000).strategy == "nothing: the query has no words"


def test_scripts_may_be_mixed(both: Searcher) -> None:
    assert ids(both, "red 連衣裙 🙂 dress ｔｅｎｔ ドレス")[0] in {"d1", "p2", "t1"}


def test_nothing_passes_the_filters(both: Searcher) -> None:
    found = both.search("dress", filters=Filters(min_price=9_999))
    assert (len(found), found.strategy) == (0, "nothing: none of 6 items passes the filters")


def test_nothing_is_found_by_words_alone(words: Searcher) -> None:
    assert words.search("xylophone").strategy == "nothing: no item has any of the words"


def test_items_without_text_are_searched_around(tmp_path: Path) -> None:
    items = pl.DataFrame({"item_id": ["a", "b", "c"], "title": ["", "…", "Kettle"]})
    for encoder in (None, WordEncoder()):
        searcher = Searcher(encoder=encoder).fit(items)
        assert ids(searcher, "kettle")[0] == "c"
        searcher.save(tmp_path / str(encoder is None))
    empty = Searcher(encoder=WordEncoder()).fit(items[:2])
    assert len(empty.search("kettle")) == 2
    nothing = Searcher(encoder=WordEncoder()).fit(items[:0])
    assert len(nothing.search("kettle")) == 0


# -- reasons and strategy --


def test_a_reason_names_the_words_that_the_item_has(both: Searcher) -> None:
    found = both.search("red dress", 10, lang="en")
    texts = {row["item_id"]: " ".join(map(str, row.values())).lower() for row in shelf().iter_rows(named=True)}
    for pick in found:
        named = [piece.text for piece in pick.evidence if piece.source == "words"]
        assert all(word in texts[pick.item_id] for word in named)  # type: ignore[operator]
        assert all(f"“{word}”" in pick.reason for word in named)
        assert sum(piece.share for piece in pick.evidence) == pytest.approx(1)
    assert found[0].reason == "Has “red” and “dress” and is close in meaning."


def test_reasons_are_in_the_language_of_the_query_unless_another_is_asked_for(words: Searcher) -> None:
    assert words.search("连衣裙")[0].reason == "含有“连衣裙”。"
    assert words.search("连衣裙", lang="en")[0].reason == "Has “连衣裙”."
    assert words.search("连衣裙").strategy == "仅按词语：没有可读取查询的编码器"


def test_a_mended_word_is_told(both: Searcher) -> None:
    assert both.search("summr dress").strategy == (
        "words and meaning; no item has “summr”, so “summer” was searched for"
    )


# -- changes --


def test_items_come_change_and_go_at_once(tmp_path: Path) -> None:
    for encoder in (None, WordEncoder()):
        searcher = Searcher(encoder=encoder).fit(shelf())
        searcher.put(pl.DataFrame({"item_id": ["n1", "d2"], "title": ["Copper kettle", "Violet gown"]}))
        assert ids(searcher, "kettle")[0] == "n1"
        assert ids(searcher, "ketle")[0] == "n1", "new words mend typos too"
        assert ids(searcher, "gown")[0] == "d2"
        assert ids(searcher, "blue", 1) != ["d2"]
        searcher.save(tmp_path / str(encoder is None))
        again = Searcher.load(tmp_path / str(encoder is None), encoder=encoder)
        assert ids(again, "violet gown") == ids(searcher, "violet gown")
        again.remove(["d2"])
        assert "d2" not in ids(again, "violet gown", 100)
        with pytest.raises(UnknownIdError, match="no item has the id 'd2'"):
            again.remove(["d2"])


def test_a_searcher_by_meaning_without_its_encoder_takes_no_new_items(both: Searcher, tmp_path: Path) -> None:
    both.save(tmp_path)
    alone = Searcher.load(tmp_path)
    assert alone.search("red dress")[0].item_id == "d1"
    assert alone.search("red dress").strategy.startswith("words alone")
    with pytest.raises(NotFittedError, match="load with one"):
        alone.put(pl.DataFrame({"item_id": ["n"], "title": ["x"]}))


# -- options --


def test_every_option_changes_an_answer() -> None:
    def scores(config: SearchConfig, query: str = "red dress") -> list[tuple[str, float]]:
        found = Searcher(config, encoder=WordEncoder()).fit(shelf()).search(query)
        return [(pick.item_id, round(pick.score, 6)) for pick in found]

    usual = scores(SearchConfig())
    by_score = SearchConfig(fusion=FusionConfig(method="score", meaning=0.2))
    assert scores(by_score) != usual
    assert scores(SearchConfig(fusion=FusionConfig(meaning=0.9))) != usual
    assert scores(SearchConfig(longest_query=3)) != usual
    shallow = Searcher(SearchConfig(depth=1)).fit(shelf())
    assert len(shallow.candidates([shallow.read("dress")])[0]) == 1
    assert len(Searcher().fit(shelf()).candidates([shallow.read("dress")])[0]) == 2
    weighted = by_score.model_copy(update={"lexical": LexicalConfig(title_weight=6)})
    assert scores(weighted, "flowers dress") != scores(by_score, "flowers dress")
    fine, coarse = (
        Searcher(SearchConfig(dense=DenseConfig(form=form)), encoder=WordEncoder()).fit(shelf())  # type: ignore[arg-type]
        for form in ("f32", "i8")
    )
    assert fine.dense is not None
    assert coarse.dense is not None
    assert not (fine.dense.vectors([0]) == coarse.dense.vectors([0])).all()  # type: ignore[arg-type,union-attr]


# -- members --


@pytest.fixture(scope="module")
def community() -> Community:
    return searching_members(by_taste=True)


def test_two_members_are_answered_by_what_each_likes(community: Community) -> None:
    config = SearchConfig(personal=PersonalConfig(strength=1.0))
    searcher = Searcher(config, encoder=WordEncoder()).fit(community)
    for member, kind in (("m0", "dress"), ("m2", "tent")):
        ours, anybody = (searcher.search("red", 8, member_id=who) for who in (member, None))
        count = sum(kind in pick.title for pick in ours)
        assert count > sum(kind in pick.title for pick in anybody)
        assert ours.strategy == f"words and meaning, moved towards what {member} likes"
        liked = next(pick for pick in ours if kind in pick.title)
        assert "It is close to what this member likes, such as “" in liked.reason
        assert any(piece.source == "taste" and piece.item_id for piece in liked.evidence)


def test_no_strength_no_taste_and_no_encoder_are_the_same_for_all(community: Community) -> None:
    weak = Searcher(SearchConfig(personal=PersonalConfig(strength=0)), encoder=WordEncoder()).fit(community)
    wordy = Searcher().fit(community)
    for searcher in (weak, wordy):
        ours = searcher.search("red", member_id="m0")
        assert [pick.item_id for pick in ours] == ids(searcher, "red")
        assert "the same as for anybody" in ours.strategy
        assert ours.member_id == "m0"


def test_fresh_events_count_and_strangers_are_errors(community: Community) -> None:
    searcher = Searcher(SearchConfig(personal=PersonalConfig(strength=1.0)), encoder=WordEncoder()).fit(community)
    forgotten = searcher.on(community.with_events(community.events[:0]))
    assert "the same as for anybody" in forgotten.search("red", member_id="m0").strategy
    with pytest.raises(UnknownIdError, match="no member has the id 'nobody'"):
        searcher.search("red", member_id="nobody")
    with pytest.raises(NotFittedError, match="knows no community"):
        Searcher().fit(shelf()).search("red", member_id="m0")


def test_suggestions_come_from_searches_and_titles(community: Community) -> None:
    searcher = Searcher().fit(community)
    assert searcher.suggest("re", 1) == ["red"]
    assert searcher.suggest("Amber b", 3)


# -- folders --


@pytest.mark.parametrize("encoder", [None, WordEncoder()])
def test_a_loaded_searcher_answers_the_same(encoder: WordEncoder | None, tmp_path: Path, community: Community) -> None:
    searcher = Searcher(encoder=encoder).fit(community)
    searcher.save(tmp_path)
    again = Searcher.load(tmp_path, encoder=encoder, community=community)
    for query in ("red dress", "gren pan", "8ft", "violet"):
        assert again.search(query, 20, member_id="m1") == searcher.search(query, 20, member_id="m1")
    assert again.suggest("bl") == searcher.suggest("bl")


def test_a_damaged_folder_another_encoder_and_an_unfitted_searcher_are_refused(both: Searcher, tmp_path: Path) -> None:
    both.save(tmp_path)
    with pytest.raises(ArtifactError, match="holds vectors of the encoder 'words' and 'others' was given"):
        Searcher.load(tmp_path, encoder=WordEncoder("others"))
    path = tmp_path / "vectors.usearch"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactError, match="has changed since it was saved"):
        Searcher.load(tmp_path)
    with pytest.raises(NotFittedError, match="call fit or load first"):
        Searcher().search("x")
