"""What sentences say of a planted shop, turn by turn, in both languages."""

import polars as pl
import pytest

from penchant.text.wishes import Refiner, Wishes

ITEMS = (
    ("dress-red", "Red summer dress", "Women > Dresses", 120.0, 300, "Acme", ["sale"]),
    ("dress-blue", "Blue dress, cotton", "Women > Dresses", 80.0, 310, "Bolt", None),
    ("hat", "Red hat", "Hats", 20.0, 100, "Acme", None),
    ("裙红", "碎花红裙", "女装 > 连衣裙", 150.0, 320, "云裳", ["新品"]),
    ("裙粉", "粉红色连衣裙", "女装 > 连衣裙", 90.0, 330, "云裳", None),
    ("锅铁", "黑色铸铁锅", "厨房 > 锅具", 200.0, 2_500, "老灶", None),
    ("锅钢", "不锈钢汤锅", "厨房 > 锅具", 95.0, 1_500, "老灶", None),
    ("shoes-walk", "Walking shoes", "Shoes", 60.0, 700, "Bolt", None),
    ("shoes-red", "Red shoes", "Shoes", 75.0, 650, "Acme", None),
    ("口红", "口红礼盒", "美妆", 199.0, 60, "云裳", None),
    ("film-old", "Heat (1995)", "Films", None, None, None, None),
    ("film-new", "Drive (2011)", "Films", None, None, None, None),
)


@pytest.fixture(scope="module")
def refiner() -> Refiner:
    names = ["item_id", "title", "categories", "price", "weight_g", "seller", "tags"]
    rows = [(item, title, [path], *rest) for item, title, path, *rest in ITEMS]
    return Refiner(pl.DataFrame(rows, schema=names, orient="row"))


def talk(refiner: Refiner, *sentences: str, shown: tuple[str, ...] = ()) -> Wishes:
    wishes, ids = Wishes(), [item for item, *_ in ITEMS]
    for sentence in sentences:
        wishes = refiner.read(sentence, wishes, shown=[ids.index(item) for item in shown])
    return wishes


def fitting(refiner: Refiner, wishes: Wishes) -> set[str]:
    return set(refiner.index.items["item_id"].to_numpy()[refiner.fits(wishes)])


@pytest.mark.parametrize(
    ("sentence", "least", "most"),
    [
        ("under 100", None, 100), ("nothing over 1,000 please", None, 1000), ("at most $99.50", None, 99.5),
        ("between 50 and 100 dollars", 50, 100), ("50-100", 50, 100), ("100 or less", None, 100),
        ("around 100", 80, 120), ("budget of two hundred", None, 200), ("at least 1.5k", 1500, None),
        ("100以内", None, 100), ("不超过一百五", None, 150), ("预算两百左右", 160, 240), ("100到200元之间", 100, 200),
        ("五百块以上", 500, None), ("低于2千", None, 2000), ("預算１００元", None, 100), ("百元以内", None, 100),
    ],
)  # fmt: skip
def test_prices_are_taken_from_words_of_both_languages(
    refiner: Refiner, sentence: str, least: float | None, most: float | None
) -> None:
    (wish,) = talk(refiner, sentence).wishes
    assert (wish.facet, wish.least, wish.most) == ("price", least, most)


def test_a_ban_before_a_price_turns_it_round(refiner: Refiner) -> None:
    (wish,) = talk(refiner, "不要超过500").wishes
    assert (wish.least, wish.most) == (None, 500)
    (wish,) = talk(refiner, "nothing under 50").wishes
    assert (wish.least, wish.most) == (50, None)


@pytest.mark.parametrize(
    ("sentence", "gone", "kept"),
    [
        ("not red", {"dress-red", "hat", "裙红", "shoes-red"}, {"dress-blue", "裙粉", "口红"}),
        ("不要红色", {"dress-red", "hat", "裙红", "shoes-red"}, {"dress-blue", "裙粉", "口红"}),
        ("红色的不要", {"dress-red", "裙红"}, {"裙粉", "口红"}),
        ("no dresses and no hats", {"dress-red", "dress-blue", "hat"}, {"shoes-red"}),
        ("no red shoes", {"shoes-red"}, {"dress-red", "hat", "shoes-walk"}),
        ("除了锅具", {"锅铁", "锅钢"}, {"裙红"}),
        ("nothing from Acme", {"dress-red", "hat", "shoes-red"}, {"dress-blue"}),
        ("不含铸铁", {"锅铁"}, {"锅钢"}),
        ("without walking", {"shoes-walk"}, {"shoes-red"}),
        ("films after 2000", {"film-old", "hat"}, {"film-new"}),
        ("90年代的电影", {"film-new", "hat"}, {"film-old"}),
        ("only cotton dresses", {"dress-red", "裙红"}, {"dress-blue"}),
        ("under 1kg, shoes", {"锅铁", "hat"}, {"shoes-red"}),
        ("not “Red hat”", {"hat"}, {"dress-red"}),
    ],
)
def test_what_a_sentence_rules_out_is_ruled_out_and_nothing_else(
    refiner: Refiner, sentence: str, gone: set[str], kept: set[str]
) -> None:
    fits = fitting(refiner, talk(refiner, sentence))
    assert not fits & gone
    assert kept <= fits


def test_a_comparative_asks_for_less_than_what_was_shown(refiner: Refiner) -> None:
    shown = ("dress-red", "dress-blue", "裙红")
    (wish,) = talk(refiner, "再便宜一点", shown=shown).wishes
    assert wish.most == pytest.approx(108)
    (much,) = talk(refiner, "much cheaper", shown=shown).wishes
    assert much.most == pytest.approx(60)
    (weight,) = talk(refiner, "太重了", shown=("锅铁",)).wishes
    assert (weight.facet, weight.most) == ("weight", 2_000)
    (bigger,) = talk(refiner, "too light", shown=("锅铁",)).wishes
    assert (bigger.facet, bigger.least) == ("weight", 3_000)


def test_asked_again_a_comparative_goes_on_and_never_back(refiner: Refiner) -> None:
    once = talk(refiner, "cheaper", shown=("dress-red",))
    assert once.wishes[0].most == pytest.approx(96)
    again = refiner.read("cheaper", once, shown=[0])
    assert again.wishes[0].most == pytest.approx(96)
    assert refiner.read("cheaper", once, shown=[2]).wishes[0].most == pytest.approx(16)


def test_without_a_column_a_comparative_is_a_matter_of_meaning() -> None:
    plain = Refiner(pl.DataFrame({"item_id": ["a"], "title": ["tent"]}))
    wishes = plain.read("lighter")
    assert [(wish.facet, wish.value, wish.must) for wish in wishes.wishes] == [("meaning", "lightweight", False)]
    assert plain.read("再便宜一点").unheard == ("再便宜一点",)
    assert plain.read("under 100").unheard == ("under 100",)


def test_wishes_are_kept_over_turns_and_told_in_both_languages(refiner: Refiner) -> None:
    wishes = talk(refiner, "a dress, not red", "under 100")
    assert wishes.meant("en") == "of the category “Dresses”; not in red; price at most 100"
    assert wishes.meant("zh") == "属于“Dresses”类；颜色不要red；价格不超过 100"
    assert wishes.told("en")[2] == "price at most 100 (you said “under 100”)"
    assert fitting(refiner, wishes) == {"dress-blue"}


@pytest.mark.parametrize(
    ("sentence", "left"),
    [
        ("never mind the price", "of the category “Dresses”; not in red"),
        ("价格无所谓", "of the category “Dresses”; not in red"),
        ("red is fine too", "of the category “Dresses”; price at most 100"),
        ("撤回颜色要求", "of the category “Dresses”; price at most 100"),
        ("红色也行", "of the category “Dresses”; price at most 100"),
        ("forget that", "of the category “Dresses”; not in red"),
        ("start over", ""),
        ("重新开始，要帽子", "close to “帽子”"),
        ("under 50", "of the category “Dresses”; not in red; price at most 50"),
        ("over 60", "of the category “Dresses”; not in red; price at most 100; price at least 60"),
        ("shoes instead", "not in red; price at most 100; of the category “Shoes”"),
        ("also shoes", "of the category “Dresses”; not in red; price at most 100; of the category “Shoes”"),
        ("red", "of the category “Dresses”; price at most 100; in red"),
    ],
)
def test_what_is_said_later_takes_back_or_takes_the_place_of_what_was_said(
    refiner: Refiner, sentence: str, left: str
) -> None:
    wishes = talk(refiner, "a dress, not red", "under 100", sentence)
    assert wishes.meant("en") == left


def test_a_wish_is_taken_back_by_its_number_and_all_is_plain_data(refiner: Refiner) -> None:
    wishes = talk(refiner, "a dress, not red", "under 100")
    assert wishes.without([2]).meant("en") == "of the category “Dresses”; price at most 100"
    assert wishes.without([9]) == wishes
    assert Wishes.model_validate_json(wishes.model_dump_json()) == wishes


def test_places_in_the_list_shown_are_items(refiner: Refiner) -> None:
    shown = ("hat", "dress-blue")
    assert "hat" not in fitting(refiner, talk(refiner, "not the first one", shown=shown))
    assert "dress-blue" not in fitting(refiner, talk(refiner, "不要第二个", shown=shown))
    (like,) = talk(refiner, "more like the second", shown=shown).wishes
    assert (like.facet, like.forms, like.wanted) == ("item", ("dress-blue",), True)
    assert talk(refiner, "like the ninth", shown=shown).unheard == ("like the ninth",)


def test_degrees_lift_items_and_bans_do_not(refiner: Refiner) -> None:
    everything = refiner.fits(Wishes())
    wishes = talk(refiner, "preferably blue")
    assert refiner.fits(wishes).all()
    lifted = refiner.lift(wishes, lambda wish: None, everything)
    assert refiner.index.items["item_id"][int(lifted.argmax())] == "dress-blue"
    less = refiner.lift(talk(refiner, "less walking"), lambda wish: None, everything)
    assert refiner.index.items["item_id"][int(less.argmin())] == "shoes-walk"
    assert not refiner.lift(talk(refiner, "not red"), lambda wish: None, everything).any()


def test_an_encoder_judges_what_no_word_does(refiner: Refiner) -> None:
    wishes = talk(refiner, "something for a wedding")
    assert wishes.phrase == "wedding"
    close = refiner.lift(wishes, lambda wish: refiner.index.saying(("summer",)).astype("float32"), refiner.fits(wishes))
    assert refiner.index.items["item_id"][int(close.argmax())] == "dress-red"


def test_the_wish_that_leaves_nothing_is_found(refiner: Refiner) -> None:
    wishes = talk(refiner, "a dress under 10, not blue")
    blame = refiner.hindering(wishes, refiner.fits(Wishes()))
    assert blame is not None
    assert blame.facet == "price"


@pytest.mark.parametrize("sentence", ["", "   ", "?!…", "🙂", "的", "please", "\ud800", "x" * 10_000, "￥", "a b c"])
def test_what_says_nothing_changes_nothing(refiner: Refiner, sentence: str) -> None:
    wishes = talk(refiner, "a dress", sentence)
    assert wishes.meant("en") == "of the category “Dresses”"


def test_what_is_too_long_is_cut_and_told(refiner: Refiner) -> None:
    wishes = talk(refiner, "not red, " + "very " * 200 + "under 5")
    assert [wish.facet for wish in wishes.wishes] == ["colour"]
    assert wishes.unheard
