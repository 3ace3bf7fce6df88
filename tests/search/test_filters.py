import pytest
from shelves import shelf

from penchant.errors import ConfigError
from penchant.search.catalogue import Catalogue
from penchant.search.filters import Filters


def passing(**wanted: object) -> set[str]:
    catalogue = Catalogue.of(shelf())
    fits = Filters.model_validate(wanted).fits(catalogue)
    return {item for item, kept in zip(catalogue.items["item_id"], fits, strict=True) if kept}


def test_what_is_not_available_is_left_out_unless_it_is_asked_for() -> None:
    assert passing() == {"d1", "d2", "p1", "p2", "t1"}
    assert passing(available=False) == {"d1", "d2", "d3", "p1", "p2", "t1"}


def test_a_category_holds_what_stands_below_it_and_nothing_that_only_begins_alike() -> None:
    assert passing(categories=["服饰"]) == {"d1", "d2", "p2"}
    assert passing(categories=["服饰 > 连衣裙"]) == {"d1", "d2", "p2"}
    assert passing(categories=["厨房", "Outdoor"]) == {"p1", "t1"}
    with pytest.raises(ConfigError):
        passing(categories=["服"])


def test_prices_are_bounds_that_are_kept_and_an_unknown_price_fits_none() -> None:
    assert passing(max_price=89) == {"d1", "p2"}
    assert passing(min_price=89, max_price=120) == {"d2", "p2"}
    assert "t1" not in passing(min_price=0)


def test_all_tags_are_wanted_at_once() -> None:
    assert passing(tags=["new"]) == {"d1", "p2"}
    assert passing(tags=["new", "sale"], available=False) == {"d3"}


def test_an_item_that_was_taken_away_passes_nothing() -> None:
    catalogue = Catalogue.of(shelf())
    catalogue.remove(["d1"])
    assert not Filters().fits(catalogue)[0]


def test_an_unknown_category_or_tag_is_an_error_that_names_what_is_near() -> None:
    with pytest.raises(ConfigError, match="no item has the category '服饰 > 连衣裤'; did you mean '服饰 > 连衣裙'"):
        passing(categories=["服饰 > 连衣裤"])
    with pytest.raises(ConfigError, match="no item has the tag 'green'"):
        passing(tags=["green"])


def test_a_lowest_price_above_the_highest_is_refused() -> None:
    with pytest.raises(ConfigError, match="the lowest price 5 is above the highest 3"):
        Filters(min_price=5, max_price=3)
