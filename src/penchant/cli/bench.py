"""`penchant bench NAME`: measure, print beside the baselines, write the JSON."""

from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Final

import typer

from penchant.artifacts import storage_errors
from penchant.benchmarks import BENCHMARKS, benchmark
from penchant.cli.face import face
from penchant.cli.speech import both
from penchant.errors import ConfigError
from penchant.language import Phrase

HELP: Final = both(
    "Measure Penchant on data and print it beside baselines and published figures.\n\n"
    + "\n\n".join(f"{name}: {measures('en')}." for name, measures in BENCHMARKS.items()),
    "在给定数据上评测 Penchant，并与基线和已发表的结果对比。\n\n"
    + "\n\n".join(f"{name}：{measures('zh')}。" for name, measures in BENCHMARKS.items()),
)
EXAMPLES: Final = """penchant bench recommend --data movielens-small --protocol last
penchant bench recommend --data data/shop --json result.json --seeds 3
penchant bench build --data simulated:100000"""

WROTE: Final = Phrase("Result written to {path}", "结果已写入 {path}")


def bench(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help=both("Which benchmark.", "评测名称。"))],
    data: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help=both(
                "A folder or file of data, a public set (ml-100k, movielens-small, retail, lastfm), or simulated:N.",
                "数据文件夹或文件、公开数据集名称（ml-100k、movielens-small、retail、lastfm），或 simulated:N。",
            ),
        ),
    ],
    protocol: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            help=both(
                "Which way of measuring, where the benchmark has a choice (see above).",
                "评测协议，仅在该评测有多种可选时填写（见上）。",
            ),
        ),
    ] = None,
    json: Annotated[
        Path | None,
        typer.Option(metavar="OUT", help=both("Also write the result as JSON.", "同时将结果写为 JSON 文件。")),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=both(
                "Repetitions, with seeds 0 to N - 1; each benchmark has its own usual number.",
                "重复次数，随机种子为 0 到 N - 1；各评测有各自的默认值。",
            ),
        ),
    ] = None,
) -> None:
    # The text of the help is HELP: a docstring here would be shown in its place.
    from penchant.benchmarks.printing import show

    run = benchmark(name)
    if json is not None:
        _check_writable(json)
    result = run(data, protocol=protocol, seeds=None if seeds is None else range(seeds))
    speaker = face(ctx)
    show(result, speaker.out, speaker.lang)
    if json is not None:
        result.write(json)
        speaker.note(WROTE, path=json)


def _check_writable(path: Path) -> None:
    """Refuse a place for the result before the hour of measuring, not after it."""
    if path.is_dir():
        raise ConfigError(f"--json names the folder {path}; name a file, such as {path / 'result.json'}")
    with storage_errors(path), TemporaryFile(dir=path.absolute().parent):
        pass
