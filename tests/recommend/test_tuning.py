import numpy as np
import pytest
from shops import shop

from penchant.collaborative import Als, Ease, EaseConfig, PopularityConfig, Recency
from penchant.data.splits import last_split
from penchant.recommend import RecommendConfig
from penchant.recommend.evaluating import judged_by
from penchant.recommend.sources import GRIDS, SOURCES
from penchant.recommend.tuning import Validation, tune
from penchant.training.options import Options

SPLIT = last_split(shop(members=90), seed=0)


@pytest.fixture(scope="module")
def validation() -> Validation:
    return judged_by(SPLIT.train, SPLIT.validation, RecommendConfig())


def test_ndcg_is_that_of_the_scorers_own_lists(validation: Validation) -> None:
    class Oracle:
        def score(self, batch: object) -> np.ndarray:
            return validation.relevant.toarray().astype(np.float32)

    class Enemy:
        def score(self, batch: object) -> np.ndarray:
            return -validation.relevant.toarray().astype(np.float32)

    assert validation.ndcg(Oracle(), 10) == 1  # type: ignore[arg-type]
    assert validation.ndcg(Enemy(), 10) == 0  # type: ignore[arg-type]


def test_the_best_setting_of_each_field_is_kept_and_every_trial_is_told(validation: Validation) -> None:
    grid = {"regularization": (1e5, 3.0), "recency": (Recency(half_life_events=0.1),)}
    found = tune("ease", EaseConfig(regularization=1e4), grid, SPLIT.train, validation, Options())
    assert found.best == max(quality for _, quality in found.trials)
    assert len(found.trials) == 4
    assert isinstance(found.scorer, Ease)
    assert found.scorer.config == found.config
    assert validation.ndcg(found.scorer, 10) == pytest.approx(found.best)
    by_settings = {trial["regularization"]: quality for trial, quality in found.trials[:3]}
    assert found.config.regularization == max(by_settings, key=by_settings.get)  # type: ignore[attr-defined, arg-type]


def test_trying_how_a_history_fades_costs_no_fit(validation: Validation, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = []
    fit = Als.fit
    monkeypatch.setattr(Als, "fit", lambda self, *args: fits.append(self.config) or fit(self, *args))
    start = SOURCES["als"][1](factors=4, regularization=1.0)
    found = tune("als", start, {"recency": GRIDS["als"]["recency"]}, SPLIT.train, validation, Options())
    assert len(fits) == 1
    assert len(found.trials) == len(GRIDS["als"]["recency"])


def test_with_an_empty_grid_the_settings_stay(validation: Validation) -> None:
    found = tune("popularity", PopularityConfig(half_life_days=3), {}, SPLIT.train, validation, Options())
    assert found.config == PopularityConfig(half_life_days=3)
    assert len(found.trials) == 1


@pytest.mark.parametrize("name", SOURCES)
def test_every_setting_of_a_grid_is_one_that_the_source_takes(name: str) -> None:
    config = SOURCES[name][1]()
    for field, values in GRIDS[name].items():
        assert field in type(config).model_fields
        for value in values:
            type(config).model_validate(config.model_dump() | {field: value})
