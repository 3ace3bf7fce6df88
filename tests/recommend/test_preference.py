import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from word_encoder import WordEncoder

from penchant.data.community import Community
from penchant.errors import ArtifactError, InputError, NotFittedError, ReadError, TooLittleDataError
from penchant.recommend.preference import LIKES, SIMILAR, TASTES, TREES, Preference, PreferenceConfig
from penchant.recommend.preference_community import prefer, train
from penchant.recommend.preference_examples import Judged, Prompt, by_member, opinions_in, opinions_of, read_preferences
from penchant.recommend.preference_statistics import TreesConfig
from penchant.recommend.preference_tastes import Opinions, Tastes, TastesConfig
from penchant.training.options import Options

KINDS = ("comedy", "western", "musical", "thriller", "romance", "fantasy")
TITLES = [f"{kind} number {place} ({1940 + 10 * (place % 6)})" for kind in KINDS for place in range(10)]
WORTH = np.repeat([0.2, -0.2, 0.1, -0.1, 0.15, -0.15], 10) + np.random.default_rng(4).normal(0, 0.1, 60)


def prompts(members: int, seed: int, *, rows: int = 4, titles: range = range(60)) -> tuple[list[Judged], np.ndarray]:
    """Prompts of members who differ in how generous they are, about titles of planted worth; and the true chances."""
    rng = np.random.default_rng(seed)
    found, chances = [], []
    for _ in range(members):
        level = rng.normal(0.5, 0.2)
        seen = rng.choice(np.array(titles), 8 + rows, replace=False)
        chance = np.clip(level + WORTH[seen], 0.02, 0.98)
        liked = rng.random(len(seen)) < chance
        for row in range(rows):
            history = tuple((TITLES[seen[place]], bool(liked[place])) for place in range(row, row + 8))
            found.append(Judged(Prompt(history, TITLES[seen[row + 8]]), bool(liked[row + 8])))
            chances.append(chance[row + 8])
    return found, np.array(chances)


def auc(rows: list[Judged], scores: np.ndarray) -> float:
    return float(roc_auc_score([row.liked for row in rows], scores))


TRAIN, _ = prompts(120, 1)
TEST, CHANCES = prompts(300, 2)
ASKED = [row.prompt for row in TEST]


@pytest.fixture(scope="module")
def fitted() -> Preference:
    config = PreferenceConfig(trees=TreesConfig(fewest=100, fewest_in_leaf=20))
    return Preference(config, encoder=WordEncoder()).fit(TRAIN, Options(seed=1, threads=1))


def test_it_finds_the_planted_worth_where_the_share_of_likes_does_not(fitted: Preference) -> None:
    parts = fitted.parts(ASKED)
    oracle = auc(TEST, CHANCES)
    assert auc(TEST, parts[LIKES]) < oracle - 0.1
    assert auc(TEST, parts[TASTES]) > auc(TEST, parts[LIKES]) + 0.03
    assert auc(TEST, fitted.probability(ASKED)) > oracle - 0.08
    assert auc(TEST, parts[TREES]) > auc(TEST, parts[LIKES])
    assert set(fitted.importance()) >= {"expected", "share of likes"}


def test_probabilities_are_those_of_the_members_that_it_was_asked_about(fitted: Preference) -> None:
    found = fitted.parts(ASKED)[TASTES]
    assert abs(found.mean() - np.mean([row.liked for row in TEST])) < 0.05
    assert np.corrcoef(found, CHANCES)[0, 1] > 0.75


def test_a_title_nobody_has_spoken_of_is_judged_by_its_words() -> None:
    known, _ = prompts(300, 1, titles=range(0, 60, 2))
    strange, chances = prompts(200, 3, titles=range(1, 60, 2))
    asked = [row.prompt for row in strange]
    plain = Preference(PreferenceConfig(trees=None)).fit(known, Options())
    trusting = PreferenceConfig(trees=None, tastes=TastesConfig(text_pull=2, few=0))
    reading = Preference(trusting, encoder=WordEncoder()).fit(known, Options())
    assert auc(strange, reading.probability(asked)) > auc(strange, plain.probability(asked)) + 0.03
    distrustful = PreferenceConfig(trees=None, tastes=TastesConfig(text_pull=2, few=1e9))
    doubting = Preference(distrustful, encoder=WordEncoder()).fit(known, Options())
    assert auc(strange, reading.probability(asked)) > auc(strange, doubting.probability(asked)) + 0.02
    assert roc_auc_score(chances > np.median(chances), reading.probability(asked)) > 0.7


def test_the_pulls_decide_whom_to_believe() -> None:
    opinions = Opinions.of([opinions_of(run) for run in by_member(TRAIN)])
    prompt = Prompt(tuple((title, True) for title in TITLES[:8]), TITLES[30])
    asked = {pull: Tastes(TastesConfig(member_pull=pull)).fit(opinions, None) for pull in (1.0, 1e5)}
    eager, wary = (tastes.probability([prompt], None)[0] for tastes in asked.values())
    assert eager != wary
    worths = {
        pull: Tastes(TastesConfig(title_pull=pull)).fit(opinions, None).worths(set(TITLES), None)
        for pull in (1.0, 500.0)
    }
    spread = {pull: np.std([worth for worth, _ in found.values()]) for pull, found in worths.items()}
    assert spread[1.0] > 2 * spread[500.0]
    level = Tastes(TastesConfig(directions=1)).fit(opinions, None).probability([prompt], None)[0]
    assert level != Tastes().fit(opinions, None).probability([prompt], None)[0]


def test_years_tell_only_where_they_are_read() -> None:
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(80):
        years = rng.integers(1930, 2000, 9)
        told = [
            (f"film {rng.integers(10_000)} ({year})", bool(rng.random() < (0.85 if year < 1965 else 0.25)))
            for year in years
        ]
        rows.append(Judged(Prompt(tuple(told[:-1]), told[-1][0]), told[-1][1]))
    old, new = Prompt((), "another (1935)"), Prompt((), "another (1995)")
    reading = Preference(PreferenceConfig(trees=None)).fit(rows, Options())
    first, second = reading.probability([old, new])
    assert first > second + 0.2
    blind = Preference(PreferenceConfig(trees=None, tastes=TastesConfig(year_scale=0, directions=1))).fit(
        rows, Options()
    )
    first, second = blind.probability([old, new])
    assert first == second


def test_similar_titles_speak_where_their_weight_is_not_zero() -> None:
    told = [("western one", True), ("western two", True), ("musical one", False), ("musical two", False)]
    config = PreferenceConfig(trees=None, similar_weight=1.0)
    model = Preference(config, encoder=WordEncoder()).fit(TRAIN, Options())
    without = Preference(PreferenceConfig(trees=None), encoder=WordEncoder()).fit(TRAIN, Options())
    prompt = Prompt(tuple(told), "western three")
    assert model.parts([prompt])[SIMILAR][0] > 0.5 > model.parts([Prompt(tuple(told), "musical three")])[SIMILAR][0]
    assert model.probability([prompt])[0] != without.probability([prompt])[0]


def test_trees_are_grown_on_statistics_of_models_that_have_not_seen_the_member() -> None:
    few = Preference(PreferenceConfig(trees=TreesConfig(fewest=481))).fit(TRAIN, Options())
    assert TREES not in few.weights()
    settings = PreferenceConfig(trees=TreesConfig(fewest=480, fewest_in_leaf=20), trees_weight=4.0)
    many = Preference(settings).fit(TRAIN, Options(seed=1, threads=1))
    assert many.weights()[TREES] == 4.0
    # With statistics that had seen the answers, trees would be sure of the training rows.
    own = auc(TRAIN, many.parts([row.prompt for row in TRAIN])[TREES])
    assert own < 0.95
    assert not np.array_equal(many.probability(ASKED[:50]), few.probability(ASKED[:50]))


def test_a_pair_and_a_list_are_answered_alike_whatever_else_is_asked(fitted: Preference) -> None:
    history = list(ASKED[0].history)
    candidates = [TITLES[place] for place in (3, 17, 41)]
    ranked = fitted.rerank(history, candidates)
    assert [value for _, value in ranked] == sorted((value for _, value in ranked), reverse=True)
    for title, value in ranked:
        assert fitted.score(history, title) == pytest.approx(value, abs=1e-9)
    together = fitted.probability(ASKED[:40])
    np.testing.assert_allclose(together[::-1], fitted.probability(ASKED[:40][::-1]), atol=1e-9)
    assert 0 < fitted.score([], TITLES[0]) < 1
    assert fitted.rerank(history, []) == []


def test_rows_of_one_member_are_told_by_what_they_share() -> None:
    runs = by_member(TRAIN)
    assert len(runs) == 120
    assert {len(run) for run in runs} == {4}
    assert len(opinions_of(runs[0])) == 12
    apart = [TRAIN[0], TRAIN[4], TRAIN[1]]
    assert by_member(apart) == [[row] for row in apart], "rows go on only with the one before"


def test_it_loads_to_the_same_answers(fitted: Preference, tmp_path: Path) -> None:
    fitted.save(tmp_path / "saved")
    loaded = Preference.load(tmp_path / "saved", encoder=WordEncoder())
    np.testing.assert_array_equal(loaded.probability(ASKED[:60]), fitted.probability(ASKED[:60]))
    assert loaded.config == fitted.config
    with pytest.raises(NotFittedError, match="was fitted with the encoder 'words' and None is given"):
        Preference.load(tmp_path / "saved")
    with pytest.raises(ArtifactError, match="no finished model"):
        Preference.load(tmp_path / "nothing")


def test_what_cannot_be_learned_or_asked_is_refused(fitted: Preference) -> None:
    with pytest.raises(NotFittedError, match="call fit or load first"):
        Preference().score([], "x")
    with pytest.raises(TooLittleDataError, match="no judged prompts"):
        Preference().fit([], Options())
    with pytest.raises(TooLittleDataError, match="found only one kind"):
        Preference().fit([Judged(Prompt((("a", True),), "b"), True)], Options())
    with pytest.raises(InputError, match="the candidate is ''"):
        fitted.score([], "")
    with pytest.raises(InputError, match="a title in the history is 7"):
        fitted.score([(7, True)], "x")  # type: ignore[list-item]
    with pytest.raises(InputError, match="liked is 'perhaps'"):
        fitted.score([("a", "perhaps")], "x")  # type: ignore[list-item]


def test_preferences_are_read_by_split_and_a_bad_line_is_named(tmp_path: Path) -> None:
    row = {"history": [{"title": "甲", "liked": True}], "candidate": "乙", "liked": False, "split": "test"}
    path = tmp_path / "asked.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join([json.dumps(row), "", json.dumps({**row, "split": None})]).encode()))
    found = read_preferences(path)
    assert found == {"test": [Judged(Prompt((("甲", True),), "乙"), False)], "train": found["test"]}
    bad = tmp_path / "bad.jsonl"
    bad.write_text(json.dumps(row) + "\n" + json.dumps({**row, "liked": "maybe"}) + "\n", "utf-8")
    with pytest.raises(ReadError, match="line 2: liked is 'maybe'; give true or false; a row has history"):
        read_preferences(bad)
    with pytest.raises(ReadError, match="cannot be read"):
        read_preferences(tmp_path / "absent.jsonl")


def test_a_community_tells_likes_from_dislikes(small_community: Community) -> None:
    said = opinions_in(small_community)
    for opinions in said.values():
        assert set(opinions.values()) == {True, False}
    model = train(small_community)
    member = next(iter(said))
    assert 0 < model.score(list(said[member].items()), small_community.titles[0]) < 1
    views = small_community.events.filter(small_community.events["kind"] == "view")
    with pytest.raises(TooLittleDataError, match="no member likes some items and dislikes others"):
        train(small_community.with_events(views))


def test_a_members_items_are_put_in_the_order_in_which_they_are_likely_to_like_them(small_community: Community) -> None:
    found = prefer(small_community, 3, [0, 6, 12], Options())
    chances = [chance for _, chance in found.items]
    assert chances == sorted(chances, reverse=True)
    assert {item for item, _ in found.items} == {0, 6, 12}
    assert found.liked + found.disliked == len(opinions_in(small_community, members=[3], both=False)[3])
    # What the member said of an item does not stand in the history that it is judged by.
    own = opinions_in(small_community, members=[3], both=False)[3]
    asked = small_community.titles[found.items[0][0]]
    history = [entry for entry in own.items() if entry[0] != asked]
    assert found.items[0][1] == pytest.approx(train(small_community).score(history, asked))
