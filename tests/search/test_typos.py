import numpy as np
import pytest

from penchant.search.typos import Speller, TyposConfig, edit_distances

ROWS = {"faucet": 40, "shower": 30, "showcase": 3, "garden": 12, "hose": 9, "lamp": 50, "lump": 1, "dress": 8, "8ft": 2,
        "refrigerator": 5}  # fmt: skip


def corrected(text: str, **options: object) -> str:
    return Speller(ROWS.keys, ROWS.get, TyposConfig.model_validate(options)).correct(text)[0]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fauset", "faucet"), ("fucet", "faucet"), ("faucett", "faucet"), ("fuacet", "faucet"), ("aucet", "faucet"),
        ("shwoer head", "shower head"), ("refridgerater", "refrigerator"), ("gardenhose", "garden hose"),
        ("dres", "dress"), ("showers", "showers"),
    ],
)  # fmt: skip
def test_one_slip_or_two_in_a_long_word_are_mended(written: str, meant: str) -> None:
    assert corrected(written) == meant


def test_of_equally_near_words_the_more_frequent_is_meant() -> None:
    assert corrected("lomp") == "lamp"


def test_what_is_known_short_or_has_numbers_stays() -> None:
    for text in ("lump", "hse", "9ft", "with", "xyzzyx"):
        assert corrected(text) == text


def test_chinese_is_left_alone() -> None:
    assert corrected("连衣群很好看") == "连衣群很好看"


def test_every_option_changes_what_is_mended() -> None:
    assert corrected("fauset", enabled=False) == "fauset"
    assert corrected("hoze", shortest=5) == "hoze" != corrected("hoze")
    assert corrected("fausit") == "fausit" != corrected("fausit", two_from=5)
    assert corrected("gardenhose", split=False) == "gardenhose"


def test_distances_are_those_of_the_plain_definition() -> None:
    """Checked against the definition computed slowly, letter by letter."""

    def slow(a: str, b: str) -> int:
        cost = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
        for i in range(1, len(a) + 1):
            for j in range(1, len(b) + 1):
                steps = [cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])]
                if i > 1 and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                    steps.append(cost[i - 2][j - 2] + 1)
                cost[i][j] = min(steps)
        return cost[len(a)][len(b)]

    rng = np.random.default_rng(0)
    others = ["".join(rng.choice(list("abc"), 6)) for _ in range(60)]
    codes = np.stack([np.frombuffer(word.encode("utf-32-le"), dtype=np.uint32) for word in others])
    for length in (4, 6, 7):
        word = "".join(rng.choice(list("abc"), length))
        code = np.frombuffer(word.encode("utf-32-le"), dtype=np.uint32)
        assert edit_distances(code, codes).tolist() == [slow(word, other) for other in others]
