"""The shop that `bench serve` serves: a simulated bazaar, built whole, with words in place of a language model.

What is measured is the service, so the language model, which would take an hour over 100,000 items, is left out: texts
are read by `Words`, whose vectors cost an answer as much as any. The ranker is learned on a smaller bazaar of the same
kind, since its features are the same.
"""

import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from penchant.data.simulated import SimulatedConfig, simulate
from penchant.data.splits import last_split
from penchant.pipeline import Context, Stage, build
from penchant.recommend import RankerConfig, RecommendConfig, fit, train
from penchant.stages import STAGES
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows
from penchant.workspace import Workspace

_TAUGHT: Final = SimulatedConfig(events=20_000, members=600, items=1_000, seed=11)
"""Where the ranker is learned."""


class Words:
    """An encoder without weights: each word stands for a direction of its own, a text for the sum of its words."""

    name = "words"
    width = 64

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) unit vectors."""
        return unit_rows(np.stack([np.sum([_direction(word) for word in _words(text)], axis=0) for text in texts]))


def make_shop(folder: Path, events: int, items: int | None, *, seed: int) -> Workspace:
    """A workspace with one member for every fifty events, built.

    Args:
        folder: of the new workspace.
        events: in all.
        items: in the catalogue; as many as go with the events if None.
        seed: of everything that is drawn.
    """
    community = simulate(SimulatedConfig(events=events, items=items, seed=seed)).community
    workspace = Workspace.create(folder)
    with workspace.store() as store:
        store.write(community)
    plain = {stage.name: stage for stage in STAGES}
    stages = [
        plain["community"],
        _stage(plain["interests"], _interests),
        _stage(plain["recommend"], _recommend),
        _stage(plain["search"], _search),
    ]
    build(workspace, options=Options(seed=seed, threads=1, progress=False), stages=stages)
    return workspace


def second_build(workspace: Workspace) -> None:
    """A further build with the same answers, to switch to and back."""
    import json
    import shutil

    from penchant.builds import BUILD_RECORD

    first = workspace.require_current()
    version = f"{int(first.version) + 1:04d}"
    shutil.copytree(first.path, first.path.with_name(version))
    record = json.loads((first.path / BUILD_RECORD).read_text())
    (first.path.with_name(version) / BUILD_RECORD).write_text(json.dumps({**record, "version": version}))


def _stage(stage: Stage, run: object) -> Stage:
    return Stage(stage.name, stage.title, lambda context: {"seed": context.options.seed}, run)  # type: ignore[arg-type]


def _interests(context: Context, folder: Path) -> None:
    from penchant.interests import InterestsConfig, learn

    config = InterestsConfig(source="categories", sentiment=False, teachers=1)
    learn(context.community, config, context.options, encoder=Words()).save(folder)


def _recommend(context: Context, folder: Path) -> None:
    config = RecommendConfig(tuning="none", ranker=RankerConfig(rounds=0, confidence=0.5))
    taught = simulate(_TAUGHT).community
    split = last_split(taught, context.options.seed, weights=config.event_weights, unseen=True)
    fitted = fit(split.fit, split.test, config, context.options, encoder=Words())
    # The ranker takes part whether it is better here or not: what is measured is what it costs.
    ranker = fitted.ranker.state() if fitted.ranker is not None else None
    setup = fitted.setup.model_copy(update={"ranker": ranker})
    train(context.community, config, context.options, encoder=Words(), setup=setup).save(folder)


def _search(context: Context, folder: Path) -> None:
    from penchant.search import Searcher

    Searcher(encoder=Words()).fit(context.community).save(folder)


@cache
def _direction(word: str) -> Floats:
    return np.random.default_rng(zlib.crc32(word.encode())).normal(size=Words.width).astype(np.float32)


def _words(text: str) -> list[str]:
    return text.lower().replace(".", " ").replace(",", " ").split() or [""]
