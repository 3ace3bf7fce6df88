"""New items among themselves: ours against the ridge and the mean vector, on a planted catalogue."""

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.benchmarks import new_items
from penchant.benchmarks import recommend as bench
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL

sys.path.append(str(Path(__file__).parent.parent / "recommend"))

from word_encoder import WordEncoder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Films of six genres and four decades; a member likes one genre of one decade, and a few beside it.

    Titles say the genre and nothing of the decade, which stands in a column: text alone tells half of it.
    """
    rng = np.random.default_rng(0)
    rows = [(genre, decade, n) for genre in range(6) for decade in range(4) for n in range(9)]
    items = pl.DataFrame(
        {
            "item_id": [f"{g}-{d}-{n}" for g, d, n in rows],
            "title": [f"genre{g} film{g}{d}{n}" for g, d, n in rows],
            "year": [1960 + 10 * d + n for _, d, n in rows],
        }
    )
    events = []
    for member in range(120):
        own = [place for place, (g, d, _) in enumerate(rows) if (g, d) == (member % 6, member // 6 % 4)]
        liked = [*rng.choice(own, 7, replace=False), *rng.choice(len(rows), 3, replace=False)]
        events += [
            (f"m{member}", items["item_id"][int(row)], "like", f"2026-01-{day + 1:02}T00:00:00")
            for day, row in enumerate(liked)
        ]
    items.write_csv(tmp_path / "items.csv")
    pl.DataFrame(events, schema=["member_id", "item_id", "kind", "at"], orient="row").write_csv(tmp_path / "events.csv")
    return tmp_path


def test_descriptions_beat_text_alone_on_items_that_nobody_has_touched(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench, "_encoder", WordEncoder)
    monkeypatch.setattr(new_items, "ALS_FACTORS", (32,))
    monkeypatch.setattr(new_items, "ALS_PULLS", (10.0,))
    result = bench.run(str(folder), protocol="new-items", seeds=(0,))
    ours = result.metrics["ndcg@10"].mean
    assert result.protocol == "new-items"
    assert ours > 1.1 * result.baselines[new_items.RIDGE]["ndcg@10"].mean
    assert ours > 1.1 * result.baselines[new_items.CENTRED]["ndcg@10"].mean
    assert WITHOUT_LANGUAGE_MODEL in result.baselines
    assert result.metrics["gain_over_ridge"].mean == pytest.approx(
        ours / result.baselines[new_items.RIDGE]["ndcg@10"].mean
    )
    assert len(result.tables["settings picked on validation items"]) == 3
