"""A judge on disk: views, trees and what is usual; what was learned from stays out, its quiet scores go along."""

from pathlib import Path
from typing import Final

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.community import Community
from penchant.drift.boosting import Trees
from penchant.drift.calibration import Calibration, QuietScores
from penchant.drift.judge import Judge, JudgeConfig
from penchant.drift.learning import Learned
from penchant.drift.reading import Reader
from penchant.drift.surprise import Surprise
from penchant.drift.views import ItemViews

KIND: Final = "drift-judge"
_READER: Final = "reader"
_SURPRISE: Final = "surprise"


def save_judge(judge: Judge, folder: Path) -> None:
    """Write views and trees, the model that foresees events, and the reader."""
    learned = judge.learned
    save_artifact(
        folder,
        KIND,
        arrays={
            **learned.views.as_arrays(),
            **{f"quiet/{question}": scores.quantiles for question, scores in judge.quiet_by_question.items()},
        },
        meta={
            "config": judge.config.model_dump(mode="json"),
            "topics": list(learned.views.topic_names),
            "events": learned.events.state(),
            "windows": {question: trees.state() for question, trees in learned.windows.items()},
            "left_out": list(learned.left_out),
            "excess": {question: scores.excess for question, scores in judge.quiet_by_question.items()},
            "calibration": [judge.calibration.offset, judge.calibration.slope],
            "blended": list(judge.blended),
            "surprise": learned.surprise is not None,
        },
    )
    if learned.surprise is not None:
        learned.surprise.save(folder / _SURPRISE)
    if judge.reader is not None:
        judge.reader.save(folder / _READER)


def load_judge(folder: Path, community: Community | None = None) -> Judge:
    """Read back what `save_judge` wrote; verdicts are identical.

    Args:
        folder: where it lies.
        community: the items, for the reader; without it the judge goes by the statistics alone.

    Raises:
        ArtifactError: the folder is damaged or holds something else.
    """
    saved = load_artifact(folder, KIND)
    meta = saved.meta
    config = JudgeConfig.model_validate(meta["config"])
    learned = Learned(
        ItemViews.of_arrays(saved.arrays, tuple(meta["topics"])),
        Trees.of_state(meta["events"], config.learn.event_trees),
        {name: Trees.of_state(state, config.learn.window_trees) for name, state in meta["windows"].items()},
        left_out=tuple(meta["left_out"]),
        surprise=Surprise.load(folder / _SURPRISE) if meta.get("surprise") else None,
    )
    quiet = {
        question: QuietScores(saved.arrays[f"quiet/{question}"], float(excess))
        for question, excess in meta["excess"].items()
    }
    judge = Judge(learned, config, quiet=quiet, calibration=Calibration(*meta["calibration"]))
    if community is not None and (folder / _READER).is_dir():
        judge = judge.with_reader(Reader.load(folder / _READER, community), tuple(meta["blended"]))
    return judge
