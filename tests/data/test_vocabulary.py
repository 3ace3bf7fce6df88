"""Ids outside, rows inside, both ways."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.data.vocabulary import Vocabulary
from penchant.errors import InputError, UnknownIdError


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=5), unique=True, max_size=20))
def test_every_id_goes_to_its_row_and_back(ids):
    vocabulary = Vocabulary(ids, name="item")
    assert [vocabulary.id(vocabulary.row(one)) for one in ids] == ids
    assert vocabulary.decode(vocabulary.encode(pl.Series(ids, dtype=pl.String))).to_list() == ids
    assert vocabulary.ids.gather(vocabulary.id_rank.argsort()).to_list() == sorted(ids)


def test_many_ids_at_once_with_strangers_and_gaps():
    films = Vocabulary(["heat", "alien"], name="item")
    assert films.encode(pl.Series("x", ["alien", "up", None, "heat", "alien"])).to_list() == [1, None, None, 0, 1]
    assert films.decode([1, 0]).to_list() == ["alien", "heat"]
    assert films.decode(pl.Series([1, None])).to_list() == ["alien", None]
    assert films.encode(pl.Series("x", [], dtype=pl.String)).dtype == pl.UInt32


def test_one_id_at_a_time():
    films = Vocabulary(["heat", "alien"], name="item")
    assert ("heat" in films, "up" in films, 3 in films) == (True, False, False)
    assert films.row_or_none("up") is None
    with pytest.raises(UnknownIdError, match="no item has the id 'up'; this community has 2 items"):
        films.row("up")


def test_ids_must_be_there_and_unique():
    with pytest.raises(InputError, match="1 rows have no item id; give every row an id"):
        Vocabulary(["a", None], name="item")
    with pytest.raises(InputError, match="item ids must be unique; found twice: 'b', 'a'"):
        Vocabulary(["b", "a", "c", "b", "a"], name="item")


def test_rank_is_the_order_of_the_ids_as_texts():
    assert Vocabulary(["p2", "p10", "P1"], name="item").id_rank.tolist() == [2, 1, 0]
