"""Settings found by trying, on planted communities where a setting matters; and the file that they are written to."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from penchant.data.community import Community
from penchant.errors import ConfigError
from penchant.recommend import RecommendConfig
from penchant.search import SearchConfig
from penchant.settings_file import write_settings
from penchant.training.options import Options
from penchant.tuning import Outcome, TuneConfig, applied, tune_recommend, tune_search

PAIRS, MEMBERS = 12, 160


@pytest.fixture(scope="module")
def pairs() -> Community:
    """Whoever did one of a pair does the other next: only the last event tells, and old ones mislead."""
    rng = np.random.default_rng(0)
    items = pl.DataFrame({"item_id": [f"p{n}" for n in range(2 * PAIRS)], "title": "thing"})
    rows = []
    for member in range(MEMBERS):
        order = rng.permutation(PAIRS)[:5]
        flipped = rng.integers(0, 2, 5)
        chosen = [2 * pair + (turn ^ flip) for pair, flip in zip(order, flipped, strict=True) for turn in (0, 1)]
        # The last event is left alone and the next to last is foreseen from the one before it, its other half.
        rows += [(f"m{member}", f"p{item}", turn) for turn, item in enumerate([*chosen, int(rng.integers(2 * PAIRS))])]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "turn"], orient="row").select(
        "member_id", "item_id", pl.lit("like").alias("kind"), (pl.lit(start) + pl.duration(days="turn")).alias("at")
    )
    return Community.from_tables(items, events)


def badly_set() -> RecommendConfig:
    return RecommendConfig.model_validate(
        {"sources": ["popularity", "ease"], "settings": {"ease": {"regularization": 1e6}}, "per_source": 24}
    )


def tuned(pairs: Community, storage: Path, **how: object) -> Outcome:
    tuning = TuneConfig.model_validate({"minutes": 1, "trials": 12, **how})
    return tune_recommend(pairs, badly_set(), tuning, storage, Options(progress=False))


def test_a_bad_setting_is_found_out_and_what_is_better_leads_where_it_was_not_chosen(
    pairs: Community, tmp_path: Path
) -> None:
    outcome = tuned(pairs, tmp_path / "tuning.db")
    assert outcome.is_better
    assert outcome.best > outcome.start
    assert outcome.lead is not None
    assert outcome.lead.low > 0
    assert outcome.settings["settings.ease.regularization"] < 2_000
    better = applied(badly_set(), outcome.settings)
    assert better.settings["ease"]["regularization"] == outcome.settings["settings.ease.regularization"]
    assert not any(path.startswith("settings.als") for path in outcome.settings)


def test_a_later_run_goes_on_and_the_time_is_kept(pairs: Community, tmp_path: Path) -> None:
    heard: list[int] = []
    for trials in (2, 4):
        outcome = tune_recommend(
            pairs, badly_set(), TuneConfig(minutes=1, trials=trials), tmp_path / "t.db", Options(progress=False),
            told=lambda number, value, best: heard.append(number),
        )  # fmt: skip
        assert outcome.trials == trials
    assert heard == [1, 2, 3, 4]
    assert tuned(pairs, tmp_path / "t.db", minutes=1e-9, trials=None).trials == 4


def test_too_few_members_and_too_few_queries_are_told(pairs: Community, tmp_path: Path) -> None:
    few = pairs.with_events(pairs.events.filter(pl.col("member") < 10))
    outcome = tune_recommend(few, badly_set(), TuneConfig(), tmp_path / "t.db", Options(progress=False))
    assert outcome.too_little is not None
    assert "40 are needed" in outcome.too_little
    searched = tune_search(pairs, SearchConfig(), TuneConfig(), tmp_path / "t.db", Options(progress=False))
    assert searched.too_little == "0 judged queries; 80 are needed to tell settings apart"


def test_search_learns_that_long_descriptions_mislead(tmp_path: Path) -> None:
    """Titles answer the queries, and descriptions are noise that names everything: a lower weight of length wins."""
    rng = np.random.default_rng(1)
    words = [f"w{chr(97 + n // 26)}{chr(97 + n % 26)}x" for n in range(200)]
    items = pl.DataFrame(
        {
            "item_id": [f"p{n}" for n in range(200)],
            "title": [f"{word} thing" for word in words],
            "text": [" ".join(np.repeat(rng.choice(words, 40), 4)) if n % 4 == 0 else None for n in range(200)],
        }
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    rows = []
    for n in range(160):
        at = start + timedelta(hours=n)
        rows += [(f"m{n}", None, "search", at, words[n]), (f"m{n}", f"p{n}", "buy", at + timedelta(minutes=2), None)]
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "text"], orient="row")
    config = SearchConfig.model_validate(
        {"lexical": {"k1": 3.0, "b": 0.0, "title_weight": 1}, "reranker": None, "typos": {"enabled": False}}
    )
    outcome = tune_search(
        Community.from_tables(items, events), config, TuneConfig(minutes=1, trials=8), tmp_path / "t.db",
        Options(progress=False),
    )  # fmt: skip
    assert outcome.best > outcome.start
    assert outcome.is_better


def test_settings_join_what_the_file_says_and_leave_the_rest_alone(tmp_path: Path) -> None:
    path = tmp_path / "penchant.toml"
    path.write_text(
        "# mine\n[build]\nencoder = 'minilm'  # short\n\n[recommend]\n# why not\nper_source = 50\n\n"
        "[recommend.policy.diversity]\nmethod = 'mmr'\n\n[search]\ndepth = 7\n",
        encoding="utf-8",
    )
    found = {"tuning": "none", "settings.ease.recency": {}, "settings.ease.regularization": 12.5, "per_source": 80}
    write_settings(path, "recommend", found)
    text = path.read_text(encoding="utf-8")
    assert "# mine\n[build]\nencoder = 'minilm'  # short\n" in text
    assert "# why not" in text
    assert tomllib.loads(text) == {
        "build": {"encoder": "minilm"},
        "search": {"depth": 7},
        "recommend": {
            "per_source": 80,
            "tuning": "none",
            "policy": {"diversity": {"method": "mmr"}},
            "settings": {"ease": {"recency": {}, "regularization": 12.5}},
        },
    }
    write_settings(path, "recommend", {"per_source": None})
    assert "per_source" not in tomllib.loads(path.read_text(encoding="utf-8"))["recommend"]


def test_a_file_whose_form_cannot_be_kept_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "penchant.toml"
    path.write_text("recommend = {per_source = 5}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"write there:\n\[recommend\]"):
        write_settings(path, "recommend", {"depth": 1})
    assert path.read_text(encoding="utf-8") == "recommend = {per_source = 5}\n"
