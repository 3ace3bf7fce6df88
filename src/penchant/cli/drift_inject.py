"""`penchant drift inject`: streams with planted changes in a folder, and a detector's scores judged on them."""

from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import numpy as np
import polars as pl
import typer

from penchant.artifacts import storage_errors
from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.errors import ConfigError, InputError
from penchant.language import Phrase
from penchant.workspace import Workspace

INJECT_HELP: Final = both(
    """Plant changes in members' streams, as the drift benchmark does, and write streams and answers to a folder, so
    that any detector can be tried. With --scores, judge the scores of such a detector.

    The scores are a file with the columns stream, window and score; the threshold is set on the first half of the
    members at 2% false alarms a window, and the second half judges.""",
    """像漂移基准那样在会员行为流中植入变化，将行为流与答案写入文件夹，供任何检测器试用。
    配合 --scores 评判检测器的得分。

    得分文件含 stream、window、score 三列；阈值取自前一半会员（每窗口误报率 2%），用后一半评判。""",
)
INJECT_EXAMPLES: Final = """penchant drift inject shop.ws --into streams --track natural --window 10 --length 8
penchant drift inject shop.ws --into streams --scores mine.csv"""
IN_JSON: Final = both("Answer in JSON.", "以 JSON 输出。")
WRITTEN: Final = Phrase(
    "{streams:,} streams of {length} windows of {window} events are in {path}: streams.parquet to detect on, "
    "answers.parquet to judge by.",
    "{streams:,} 条行为流（每条 {length} 个窗口，每窗口 {window} 个行为）已写入 {path}："
    "streams.parquet 供检测，answers.parquet 供评判。",
)
FIGURES: Final = (Phrase("figure", "指标"), Phrase("yours", "您的检测器"), Phrase("alarm always", "始终报警"))
Track = Literal["clean", "natural"]


def inject(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    into: Annotated[
        Path, typer.Option(metavar="FOLDER", help=both("The folder of the streams.", "存放行为流的文件夹。"))
    ],
    track: Annotated[
        str,
        typer.Option(
            metavar="TRACK",
            help=both("clean or natural order of events.", "事件顺序：clean（打乱）或 natural（自然）。"),
        ),
    ] = "natural",
    window: Annotated[int, typer.Option(metavar="N", min=2, help=both("Events of a window.", "每窗口行为数。"))] = 10,
    length: Annotated[int, typer.Option(metavar="N", min=5, help=both("Windows of a stream.", "每条流的窗口数。"))] = 8,
    scores: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=both("A detector's scores, to be judged.", "待评判的检测器得分。")),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help=both("Seed of all that is random.", "随机种子。"))] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=IN_JSON)] = False,
) -> None:
    from penchant.data.interactions import histories
    from penchant.drift.injection import InjectionConfig
    from penchant.drift.injection import inject as plant

    speaker = face(ctx)
    if track not in get_args(Track):
        raise ConfigError(f"there is no track {track!r}; there are clean and natural")
    opened = Workspace.open(workspace)
    community = opened.usable_community()
    config = InjectionConfig(track="clean" if track == "clean" else "natural", window=window, length=length)
    streams = plant(histories(community), np.arange(len(community.members)), config, seed=seed)
    if scores is not None:
        _judge(speaker, streams, _read_scores(scores, len(streams), length), as_json)
        return
    count = len(streams)
    places = np.indices((count, length, window)).reshape(3, -1)
    with storage_errors(into):
        into.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(
            {
                "stream": places[0],
                "window": places[1],
                "item_id": [community.item_ids.id(row) for row in streams.items.ravel().tolist()],
                "at": pl.Series((streams.at.ravel() * 1e6).astype(np.int64)).cast(pl.Datetime("us", "UTC")),
            }
        ).write_parquet(into / "streams.parquet")
        pl.DataFrame(
            {
                "stream": np.arange(count),
                "kind": streams.kinds.tolist(),
                "severity": streams.severities,
                "onset": streams.onsets,
                "blip": streams.blips,
            }
        ).write_parquet(into / "answers.parquet")
    if as_json:
        speaker.json({"streams": count, "windows": length, "events": window, "folder": str(into)})
    else:
        speaker.say(WRITTEN, streams=count, length=length, window=window, path=into)


def _read_scores(path: Path, streams: int, length: int) -> np.ndarray:
    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path)
        told = table.select(pl.col("stream", "window").cast(pl.Int64), pl.col("score").cast(pl.Float64))
    except (OSError, pl.exceptions.PolarsError) as error:
        first = str(error).partition("\n")[0]
        raise InputError(
            f"{path} cannot be read as scores ({first}); it needs the columns stream, window, score"
        ) from None
    found = np.full((streams, length), np.nan)
    inside = told.filter(pl.col("stream").is_between(0, streams - 1) & pl.col("window").is_between(0, length - 1))
    if len(inside) < len(told):
        raise InputError(f"{len(told) - len(inside)} scores in {path} are of streams or windows that do not exist")
    found[inside["stream"].to_numpy(), inside["window"].to_numpy()] = inside["score"].to_numpy()
    if np.isnan(found[:, 1:]).all():
        raise InputError(f"{path} holds no score of any window after the first")
    return found


def _judge(speaker: Face, streams: Any, scores: np.ndarray, as_json: bool) -> None:
    from penchant.drift.metrics import dummies, judge_detector, threshold_of

    members = np.unique(streams.members)
    first = np.isin(streams.members, members[: len(members) // 2])
    threshold = threshold_of(scores[first], streams.of(np.flatnonzero(first)))
    rest = streams.of(np.flatnonzero(~first))
    judged = judge_detector(scores[~first], rest, threshold).metrics
    always = dummies(rest)["alarm always"]
    if as_json:
        speaker.json({"yours": judged, "alarm always": always, "threshold": threshold})
        return
    rows = [(name, f"{value:.3f}", f"{always[name]:.3f}" if name in always else "–") for name, value in judged.items()]
    speaker.table(FIGURES, rows)
