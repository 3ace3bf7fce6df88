import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penchant.errors import InputError, ReadError, UnknownIdError
from penchant.interests.taxonomy import Taxonomy

NAMES = st.text(
    alphabet=st.characters(exclude_characters=">", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1
)
PATHS = st.lists(st.lists(NAMES, min_size=1, max_size=3).map(" > ".join), min_size=1, max_size=12)


@given(PATHS)
def test_every_parent_stands_before_its_children(paths: list[str]) -> None:
    tree = Taxonomy(paths)
    assert all(parent < row for row, parent in enumerate(tree.parents))


@given(PATHS, st.integers(0, 2**32 - 1))
def test_consistent_probabilities_have_no_child_above_its_parent(paths: list[str], seed: int) -> None:
    tree = Taxonomy(paths)
    raw = np.random.default_rng(seed).random((4, len(tree)), dtype=np.float32)
    settled = tree.consistent(raw)
    assert tree.violations(settled) == 0
    assert (settled >= raw).all()
    leaves = tree.leaf_rows
    assert np.array_equal(settled[:, leaves], raw[:, leaves])


def test_violations_are_counted_where_a_child_stands_above_its_parent() -> None:
    tree = Taxonomy(["a > b", "a > c"])
    assert tree.violations(np.array([[0.2, 0.9, 0.1]], dtype=np.float32)) == 1


def test_a_label_with_a_slash_or_an_emoji_is_a_label_like_any_other() -> None:
    tree = Taxonomy(["家电/数码 > 📱手机", "家电/数码>📷相机"])
    assert tree.leaves == ("家电/数码 > 📱手机", "家电/数码 > 📷相机")


def test_a_name_that_starts_like_another_is_not_below_it() -> None:
    tree = Taxonomy(["tea", "tea pots > iron"])
    change = tree.renamed("tea", "teas")
    assert change.after.labels == ("tea pots", "tea pots > iron", "teas")


def test_a_given_label_brings_its_ancestors() -> None:
    tree = Taxonomy(["a > b > c", "d"])
    assert tree.targets([["a > b > c"], ["d"]]).astype(int).tolist() == [[1, 1, 1, 0], [0, 0, 0, 1]]


def test_an_unknown_label_is_named() -> None:
    with pytest.raises(UnknownIdError, match=r"no label 'x'.*2 labels, such as 'a'"):
        Taxonomy(["a", "b"]).targets([["x"]])


def test_an_empty_level_is_refused() -> None:
    with pytest.raises(InputError, match="empty level"):
        Taxonomy(["a > > b"])


def test_exclusive_leaves_add_up_to_their_ancestors() -> None:
    tree = Taxonomy(["a > b", "a > c", "d"])
    full = tree.from_leaves(np.array([[0.2, 0.3, 0.5]], dtype=np.float32))
    assert tree.labels == ("a", "a > b", "a > c", "d")
    assert full[0].tolist() == pytest.approx([0.5, 0.2, 0.3, 0.5])


def test_renaming_keeps_what_was_predicted() -> None:
    tree = Taxonomy(["b > x", "c"])
    change = tree.renamed("b", "z")
    carried = change.carry(np.array([[0.7, 0.6, 0.2]], dtype=np.float32))
    assert change.after.labels == ("c", "z", "z > x")
    assert carried[0].tolist() == pytest.approx([0.2, 0.7, 0.6])


def test_moving_a_label_takes_its_descendants_and_raises_its_new_parent() -> None:
    tree = Taxonomy(["a > x > y", "b"])
    change = tree.moved("a > x", under="b")
    carried = change.carry(np.array([[0.9, 0.8, 0.6, 0.1]], dtype=np.float32))
    assert change.after.labels == ("a", "b", "b > x", "b > x > y")
    assert carried[0].tolist() == pytest.approx([0.9, 0.8, 0.8, 0.6])


def test_a_label_cannot_move_below_itself() -> None:
    with pytest.raises(InputError, match="itself or below"):
        Taxonomy(["a > b"]).moved("a", under="a > b")


def test_yaml_holds_the_tree_and_its_descriptions(tmp_path) -> None:
    tree = Taxonomy(["家电 > 冰箱", "书籍"], descriptions={"家电 > 冰箱": "冷藏和冷冻"})
    tree.to_yaml(tmp_path / "tree.yaml")
    assert Taxonomy.from_yaml(tmp_path / "tree.yaml") == tree


def test_a_yaml_list_where_a_mapping_was_wanted_names_the_place(tmp_path) -> None:
    (tmp_path / "tree.yaml").write_text("home:\n  kitchen: [pots]\n")
    with pytest.raises(ReadError, match=r"a mapping of labels was wanted at home > kitchen; found \['pots'\]"):
        Taxonomy.from_yaml(tmp_path / "tree.yaml")
