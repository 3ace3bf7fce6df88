from pathlib import Path

from shelves import searching_members

from penchant.search.suggestions import Suggestions, SuggestionsConfig, searched

TITLES = ["Cast iron pan", "Cast iron grill", "Cast of clay", "夏季碎花连衣裙", "夏季碎花短裙", "Tent, two-person"]


def fitted(**options: object) -> Suggestions:
    return Suggestions(SuggestionsConfig.model_validate(options)).fit(
        TITLES, [("cast iron stove", 3), ("my secret", 1)]
    )


def test_what_members_search_for_comes_before_phrases_of_titles() -> None:
    found = fitted().complete("CAST ir")
    assert found[:2] == ["cast iron stove", "Cast iron"]


def test_chinese_is_completed_also_from_traditional_characters() -> None:
    assert "夏季碎花" in fitted().complete("夏季碎")
    assert fitted().complete("連衣", 3) == []
    assert fitted(least_titles=1).complete("連衣")[0].startswith("连衣")


def test_what_one_member_alone_searched_for_is_shown_to_nobody() -> None:
    assert fitted().complete("my s") == []
    assert fitted(least_members=1).complete("my s") == ["my secret"]


def test_every_option_changes_what_is_suggested() -> None:
    assert "iron grill" not in fitted().complete("iron")
    assert "iron grill" in fitted(least_titles=1).complete("iron")
    assert fitted(longest_phrase=1).complete("cast i", 5)[0] == "cast iron stove"
    assert "Cast iron" not in fitted(longest_phrase=1).complete("cast i", 5)
    assert fitted(whole_titles=False).complete("cast of") == []
    assert fitted().complete("cast of") == ["Cast of clay"]
    assert fitted(searched_weight=0).complete("cast ir")[0] == "Cast iron"


def test_a_phrase_does_not_cross_a_comma_nor_end_in_an_empty_word() -> None:
    phrases = set(fitted(least_titles=1, whole_titles=False).phrases["key"])
    assert "two-person" not in phrases or "tent, two" not in phrases
    assert not any(phrase.startswith("tent,") for phrase in phrases)
    assert "cast of" not in phrases


def test_nothing_begun_suggests_nothing_and_k_is_kept() -> None:
    assert fitted().complete("  ") == []
    assert len(fitted().complete("c", 2)) == 2
    assert fitted().complete("z" * 10_000) == []
    assert Suggestions().fit([]).complete("a") == []


def test_saved_suggestions_are_the_same(tmp_path: Path) -> None:
    fitted().save(tmp_path)
    assert Suggestions.load(tmp_path, SuggestionsConfig()).complete("cast") == fitted().complete("cast")


def test_searches_are_counted_by_member() -> None:
    counts = dict(searched(searching_members(by_taste=True)))
    assert all(0 < count <= 60 for count in counts.values())
    assert sum(counts.values()) > 60
