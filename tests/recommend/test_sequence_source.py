"""The order of events as a source of recommendations, asked for by name."""

from pathlib import Path

import numpy as np
from word_encoder import WordEncoder

from penchant.data.community import Community
from penchant.data.interactions import histories
from penchant.recommend import RecommendConfig, train
from penchant.recommend.sources import load_sources, make, save_sources
from penchant.training.options import Options

QUICK = {"width": 8, "layers": 1, "epochs": 1, "fewest_steps": 20}


def test_it_takes_part_only_where_it_is_named(small_community: Community) -> None:
    assert "sequence" not in RecommendConfig().used_sources(with_text=True)
    config = RecommendConfig(sources=("popularity", "sequence"), settings={"sequence": QUICK}, checked_reasons=False)
    model = train(small_community, config, Options(threads=1))
    assert set(model.weights) == {"popularity", "sequence"}
    assert len(model.recommend("m1", 3)) == 3


def test_an_encoder_gives_its_items_their_texts_and_it_loads_the_same(
    small_community: Community, tmp_path: Path
) -> None:
    config = RecommendConfig(settings={"sequence": QUICK}).start("sequence")
    batch = histories(small_community)
    reading = make("sequence", config, encoder=WordEncoder()).fit(small_community, Options(threads=1))
    plain = make("sequence", config).fit(small_community, Options(threads=1))
    assert not np.allclose(reading.score(batch), plain.score(batch))
    save_sources({"sequence": reading}, tmp_path)
    (loaded,) = load_sources(("sequence",), tmp_path).values()
    np.testing.assert_array_equal(loaded.score(batch), reading.score(batch))
