import re
from pathlib import Path

import pytest

from penchant.errors import ConfigError
from penchant.recommend.business import BusinessRules, Cap, Pin

GOOD = """# What we push this week
- do: boost
  by: 0.5
  items: {tag: new arrival, max_price: 300}
- do: pin
  at: 1
  items: {ids: [p7, p8]}
- {do: exclude, items: {seller: 某店}}

- {do: cap, per: category, most: 3}
"""


def test_a_file_of_rules_is_read_with_its_lines(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(GOOD, encoding="utf-8-sig")
    found = BusinessRules.read(path)
    assert [rule.do for rule in found.rules] == ["boost", "pin", "exclude", "cap"]
    assert found.lines == (2, 5, 8, 10)
    assert isinstance(found.rules[1], Pin)
    assert found.rules[1].items.ids == ("p7", "p8")
    assert isinstance(found.rules[3], Cap)
    assert found.rules[3].items is None
    assert found.where(2) == f"{path}, line 8"


def test_an_empty_file_has_no_rules() -> None:
    assert BusinessRules.parse("").rules == BusinessRules.parse("# nothing yet\n").rules == ()


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("rules: 3", 1, "found a mapping, wanted a list of rules such as - {do: boost"),
        ("- {do: exclude, items: {tag: a}}\n- stop", 2, "found 'stop', wanted a rule such as"),
        ("- boost: 1\n  items: {tag: a}", 1, "this rule has no `do`; write `do: boost`"),
        ("- items: {tag: a}", 1, "this rule has no `do`; say what to do: boost, bury, pin, exclude, cap"),
        ("- do: boots\n  by: 1\n  items: {tag: a}", 1, "`do` is 'boots'; did you mean `boost`?"),
        ("- do: boost\n  items: {tag: a}", 1, "a rule that says `do: boost` needs `by`; add it"),
        ("- do: boost\n  by: 1\n", 1, "needs `items`; add it"),
        ("- do: boost\n  by: -1\n  items: {tag: a}", 2, "`by` is -1; input should be greater than 0"),
        ("- do: boost\n  by: a lot\n  items: {tag: a}", 2, "`by` is 'a lot'; input should be a valid number"),
        ("- do: pin\n  at: 0\n  items: {tag: a}", 2, "`at` is 0; input should be greater than 0"),
        ("- do: cap\n  most: 2\n  pre: seller", 3, "`pre` means nothing here; did you mean `per`? there are do, most"),
        ("- do: cap\n  most: 2\n  per: colour", 3, "`per` is 'colour'; input should be 'category' or 'seller'"),
        ("- do: bury\n  by: 1\n  items:\n    sellr: x", 4, "`items.sellr` means nothing here; did you mean `seller`?"),
        ("- do: bury\n  by: 1\n  items: {}", 3, "`items`: no condition is named; name at least one of ids, category"),
        ("- do: bury\n  by: 1\n  items:\n    min_price: 9\n    max_price: 5", 4, "min_price 9 is above max_price 5"),
        ("- do: bury\n  by: 1\n  items:\n    tag: a\n    tag: b", 5, "`tag` stands twice, first in line 4"),
        ("- do: bury\n  by: 1\n items: {tag: a}", 3, "this is not YAML"),
        ("- do: bury\n\tby: 1", 2, "this is not YAML"),
        ("- {do: pin, at: 1, items: {tag: a}}\n- {do: pin, at: 1, items: {tag: b}}", 2, "place 1 is pinned already"),
        ("- {do: exclude, items: {tag: x}}\n- do: bury\n  by: [1]\n  items: {tag: a}", 3, "`by` is [1]; input should"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_the_fix(text: str, line: int, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(f"line {line}: ") + ".*" + re.escape(told)):
        BusinessRules.parse(text, name="rules.yaml")


def test_a_file_that_is_not_text_is_called_that(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_bytes("- {do: exclude, items: {seller: 某店}}".encode("gb18030"))
    with pytest.raises(ConfigError, match=r"is not UTF-8 .*; save it as UTF-8"):
        BusinessRules.read(path)
