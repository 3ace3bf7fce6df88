from pathlib import Path

import polars as pl
import pytest
from shelves import shelf

from penchant.errors import ColumnError, InputError, UnknownIdError
from penchant.search.catalogue import Catalogue


def test_rows_stay_while_items_come_change_and_go() -> None:
    catalogue = Catalogue.of(shelf())
    new = pl.DataFrame({"item_id": ["d2", "n1"], "title": ["Blue silk dress", "Kettle"]})
    assert catalogue.put(new).tolist() == [1, 6]
    assert catalogue.titles[1] == "Blue silk dress"
    assert catalogue.titles[4] == "夏季碎花连衣裙"
    assert catalogue.items["price"][1] is None, "what is not said anew is no longer known"
    assert catalogue.remove(["n1"]).tolist() == [6]
    assert (catalogue.row("n1"), catalogue.row("d2"), len(catalogue)) == (None, 1, 7)
    assert catalogue.put(pl.DataFrame({"item_id": ["n1"], "title": ["Kettle again"]})).tolist() == [6]
    assert catalogue.row("n1") == 6


def test_ties_are_settled_by_id_also_after_an_item_was_added() -> None:
    catalogue = Catalogue.of(pl.DataFrame({"item_id": ["b", "c"], "title": ["", ""]}))
    assert catalogue.id_rank.tolist() == [0, 1]
    catalogue.put(pl.DataFrame({"item_id": ["a"], "title": ["x"]}))
    assert catalogue.id_rank.tolist() == [1, 2, 0]


def test_nothing_is_taken_away_where_one_id_is_unknown() -> None:
    catalogue = Catalogue.of(shelf())
    with pytest.raises(UnknownIdError, match="no item has the id 'nope'"):
        catalogue.remove(["d1", "nope"])
    assert catalogue.row("d1") == 0


def test_what_is_no_table_of_items_is_refused() -> None:
    with pytest.raises(ColumnError, match="no column 'title'"):
        Catalogue.of(pl.DataFrame({"item_id": ["a"]}))
    with pytest.raises(InputError, match="found twice: 'a'"):
        Catalogue.of(pl.DataFrame({"item_id": ["a", "a"], "title": ["", ""]}))


def test_a_saved_catalogue_is_the_same(tmp_path: Path) -> None:
    catalogue = Catalogue.of(shelf())
    catalogue.remove(["d2"])
    catalogue.save(tmp_path)
    again = Catalogue.load(tmp_path)
    assert again.items.equals(catalogue.items)
    assert again.alive.tolist() == catalogue.alive.tolist()
    assert again.texts() == catalogue.texts()
