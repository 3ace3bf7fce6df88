"""`penchant bench members --protocol masking`: personal data found and left alone in written texts and real reviews."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from penchant.benchmarks.masking_texts import Planted, planted_texts
from penchant.benchmarks.result import BenchResult, Cell, data_name, figures
from penchant.data.public import load
from penchant.evaluation.cost import measured
from penchant.members.masking import find_personal
from penchant.members.recognisers import Found, Personal

SEEDS: Final = (0, 1, 2)
TEXTS: Final = 2_000

_PLAIN_FORMS: Final = {
    Personal.MOBILE: re.compile(r"1\d{10}"),
    Personal.LANDLINE: re.compile(r"0?\d{2,3}-?\d{7,8}"),
    Personal.RESIDENT_ID: re.compile(r"\d{17}[\dXx]"),
    Personal.BANK_CARD: re.compile(r"\d{15,19}"),
    Personal.EMAIL: re.compile(r"\S+@\S+\.\w+"),
}
"""What a first attempt at masking looks for: digits of the right number, wherever they stand."""

THINGS: Final = re.compile(
    r"(?:[¥￥$]\s?(?P<price>\d[\d.,]*)|(?P<cost>\d[\d.,]*)\s?(?:元|块钱?)"
    r"|(?:订单|单号|运单|货号|编号|款号|型号|商品号|ISBN)[号码是为 ：:]{0,4}(?P<number>[A-Za-z]{0,4}\d[\dA-Za-z-]{4,}))"
)
"""Prices, order and item numbers of a review, by the words beside them."""


def run_masking(data: str, seeds: Sequence[int] | None = None) -> BenchResult:
    """Mask 2,000 generated texts for each seed, and the texts of `data`, where no number of a thing may be touched.

    A piece is found where all of it is masked. A false mask is a decoy (a price, an order number, a card number with a
    wrong check digit …) of which any character is masked, or a piece of plain text that is.

    Args:
        data: a set with labelled texts or events with texts, such as reviews-zh.
        seeds: of the generated texts.
    """
    seeds = tuple(SEEDS if seeds is None else seeds)
    with measured() as cost:
        texts = [planted_texts(TEXTS, seed) for seed in seeds]
        ours = [_judged(planted, [find_personal(one.text) for one in planted]) for planted in texts]
        naive = [_judged(planted, [_by_form(one.text) for one in planted]) for planted in texts]
        reviews = _reviews(data)
        things = [(text, match) for text in reviews for match in THINGS.finditer(text)]
        touched = [_touched(text, match) for text, match in things]
    for found in ours:
        found["things_masked"] = float(sum(touched))
    return BenchResult(
        name="members",
        data=data_name(data),
        protocol="masking",
        metrics=figures([_figures_of(found) for found in ours]),
        baselines={"digits of the right number": figures([_figures_of(found) for found in naive])},
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=list(seeds),
        tables={
            "recall by kind": _by_kind(texts),
            "real texts": [{"texts": len(reviews), "numbers of things": len(things), "of them masked": sum(touched)}],
        },
    )


def _by_form(text: str) -> list[Found]:
    return [Found(*match.span(), kind) for kind, form in _PLAIN_FORMS.items() for match in form.finditer(text)]


def _judged(texts: Sequence[Planted], found: Sequence[Sequence[Found]]) -> dict[str, float]:
    pieces = hits = decoys = false = characters = wrong = 0
    for one, pieces_found in zip(texts, found, strict=True):
        covered = np.zeros(len(one.text), dtype=bool)
        for piece in pieces_found:
            covered[piece.start : piece.end] = True
        planted = np.zeros(len(one.text), dtype=bool)
        for start, end, _ in one.pieces:
            planted[start:end] = True
            hits += bool(covered[start:end].all())
        for start, end in one.decoys:
            false += bool(covered[start:end].any())
        pieces += len(one.pieces)
        decoys += len(one.decoys)
        characters += int((~planted).sum())
        wrong += int((covered & ~planted).sum())
    return {
        "masking_recall": hits / pieces,
        "false_masking": false / decoys,
        "false_characters": wrong / characters,
    }


def _figures_of(found: dict[str, float]) -> dict[str, float]:
    return found


def _by_kind(texts: Sequence[Sequence[Planted]]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    everything = [one for planted in texts for one in planted]
    found = [find_personal(one.text) for one in everything]
    for kind in Personal:
        wanted = hit = 0
        for one, pieces in zip(everything, found, strict=True):
            for start, end, planted in one.pieces:
                if planted is kind:
                    wanted += 1
                    hit += any(piece.start <= start and end <= piece.end for piece in pieces)
        rows.append({"kind": kind.value, "planted": wanted, "recall": hit / wanted if wanted else None})
    return rows


def _reviews(data: str) -> list[str]:
    community = load(data)
    texts = [*community.labels["text"].drop_nulls(), *community.events["text"].drop_nulls()]
    return list(dict.fromkeys(texts))


def _touched(text: str, match: re.Match[str]) -> bool:
    name = match.lastgroup
    assert name is not None
    start, end = match.span(name)
    return any(piece.start < end and start < piece.end for piece in find_personal(text))
