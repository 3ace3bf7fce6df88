"""Bringing a recommender up to newer events without searching for its settings again."""

from penchant.collaborative.scorer import ScorerConfig
from penchant.data.community import Community
from penchant.recommend.recipe import train
from penchant.recommend.recommender import Recommender
from penchant.recommend.setup import Setup
from penchant.recommend.verdicts import Given
from penchant.text.encoder import Encoder
from penchant.training.options import Options


def update(
    model: Recommender,
    community: Community,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    verdicts: Given = None,
) -> Recommender:
    """The recommender on a community's newer events: sources fitted anew, settings, weights and ranker as they are.

    Most of a training is the search for settings, which change slowly; the statistics behind the scores change with
    every event. They are made of all events, the old ones too, so that nothing old is forgotten, which is what
    rehearsal is for in models that only see what is new.

    Args:
        model: trained earlier, on a community of the same or fewer items.
        community: all that is known now.
        options: device, seed, progress.
        encoder: the one that the model was trained with, if any.
        verdicts: of other systems, if the model's ranker reads them.

    Raises:
        ConfigError: the model blends other sources than its configuration names with this encoder.
        TooLittleDataError: no event says what anybody likes.
    """
    settings = {}
    for name, source in model.sources.items():
        config = source.config  # type: ignore[attr-defined]
        assert isinstance(config, ScorerConfig)
        settings[name] = config.as_meta()
    setup = Setup(
        settings=settings,
        weights=dict(model.weights),
        ranker=model.ranker.state() if model.ranker is not None else None,
    )
    return train(community, model.config, options, encoder=encoder, setup=setup, verdicts=verdicts)
