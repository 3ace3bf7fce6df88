from penchant.search.words import analyse, fold


def test_traditional_full_width_and_capital_letters_become_one_spelling() -> None:
    assert fold("ＮＩＫＥ 運動鞋 頭髮 乾燥") == "nike 运动鞋 头发 干燥"


def test_measures_are_found_written_together_or_apart() -> None:
    assert set(analyse("8 ft. ladders")) <= set(analyse("8ft ladder"))
    assert "128" in analyse("phone 128GB")


def test_a_letter_between_numbers_is_no_word_of_its_own() -> None:
    assert analyse("2x4") == ["2x4", "2", "4"]


def test_words_without_numbers_are_not_cut() -> None:
    assert analyse("Iron skillets") == ["iron", "skillet"]
    assert analyse("连衣裙") == ["连衣", "衣裙", "连衣裙"]


def test_punctuation_emoji_and_half_a_character_have_no_words() -> None:
    assert analyse("?!… 🙂 \ud800") == []
