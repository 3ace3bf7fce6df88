"""`penchant tune`: settings found on held-out events, within a time, written into penchant.toml."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from penchant.cli.build import WORKSPACE
from penchant.cli.face import Face, face
from penchant.cli.speech import both
from penchant.language import Phrase
from penchant.workspace import Workspace

if TYPE_CHECKING:
    from penchant.tuning import Outcome, Told

HELP: Final = both(
    """Search for better settings of recommendation and search, and write them into penchant.toml.

    Settings are tried on each member's last event but one; the last is left for judging builds. Half of the members
    choose the settings, the other half check them, and only what is better there too is written. Stop at any time: a
    later run goes on from the trials made so far.""",
    """搜索更好的推荐与搜索设置，并写入 penchant.toml。

    以每位会员的倒数第二条行为检验各组设置，最后一条留给构建时的检验。一半会员用于选择，另一半用于复核，复核也更好才会写入。
    可随时停止，下次运行会接着已有的试验继续。""",
)
EXAMPLES: Final = """penchant tune shop.ws --minutes 30
penchant tune shop.ws --system search --trials 50"""

TRIED: Final = Phrase(
    "Trial {number}: NDCG@10 {value:.4f}, the best so far {best:.4f}",
    "第 {number} 次试验：NDCG@10 {value:.4f}，目前最好 {best:.4f}",
)
TUNES: Final = Phrase("Settings of {system}, for {minutes:g} minutes", "{system}的设置，限时 {minutes:g} 分钟")
SYSTEMS: Final = {"recommend": Phrase("recommendation", "推荐"), "search": Phrase("search", "搜索")}
TOO_LITTLE: Final = Phrase("Nothing to tune for {system}: {why}", "{system}无可调：{why}")
AS_IT_WAS: Final = Phrase(
    "{system}: none of {trials:,} trials was better than the settings as they are (NDCG@10 {start:.4f})",
    "{system}：{trials:,} 次试验均不优于现有设置（NDCG@10 {start:.4f}）",
)
NOT_KEPT: Final = Phrase(
    "{system}: NDCG@10 {best:.4f} against {start:.4f} on the half that chose, but {lead:+.4f} (95%: {low:+.4f} to "
    "{high:+.4f}) on the half that checks, so the settings stay as they are ({trials:,} trials)",
    "{system}：用于选择的一半上 NDCG@10 为 {best:.4f}，原为 {start:.4f}；但在复核的一半上相差 {lead:+.4f}"
    "（95%：{low:+.4f} 至 {high:+.4f}），设置保持不变（{trials:,} 次试验）",
)
FOUND: Final = Phrase(
    "{system}: NDCG@10 {best:.4f} against {start:.4f}; on members who chose nothing {lead:+.4f} (95%: {low:+.4f} to "
    "{high:+.4f}); {trials:,} trials. Written to {path}:",
    "{system}：NDCG@10 {best:.4f}，原为 {start:.4f}；在未参与选择的会员上 {lead:+.4f}"
    "（95%：{low:+.4f} 至 {high:+.4f}）；{trials:,} 次试验。已写入 {path}：",
)
NEXT: Final = Phrase("Build anew to use them: penchant build {workspace}", "重新构建后生效：penchant build {workspace}")
STOPPED: Final = Phrase(
    "Stopped. The trials made so far are kept: penchant tune {workspace} goes on from there.",
    "已停止。已有的试验均已保留：penchant tune {workspace} 可接着继续。",
)
STORAGE: Final = "tuning.db"


def tune(
    ctx: typer.Context,
    workspace: Annotated[Path, typer.Argument(metavar="WORKSPACE", help=WORKSPACE)],
    system: Annotated[
        Literal["recommend", "search", "all"],
        typer.Option(help=both("What to tune.", "要调整的系统。")),
    ] = "all",
    minutes: Annotated[
        float,
        typer.Option(
            metavar="MINUTES", min=0.01, help=both("How long, for each system.", "每个系统的时限，以分钟计。")
        ),
    ] = 10.0,
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help=both("At most so many trials, earlier ones counted.", "试验次数上限，含此前已做的。"),
        ),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="SEED", help=both("Of everything random.", "随机种子。"))] = 0,
    as_json: Annotated[bool, typer.Option("--json", help=both("Answer in JSON.", "以 JSON 输出。"))] = False,
) -> None:
    from penchant.settings import settings
    from penchant.settings_file import write_settings
    from penchant.stages import recommend_config, search_config
    from penchant.text import CachedEncoder, load_encoder
    from penchant.training.options import Options
    from penchant.tuning import TuneConfig, tune_recommend, tune_search

    speaker = face(ctx)
    opened = Workspace.open(workspace)
    speaker.when_interrupted, speaker.interrupted_fields = STOPPED, {"workspace": opened.path}
    options = Options(seed=seed, threads=settings().threads, progress=False)
    encoder = CachedEncoder(load_encoder(opened.config.build.encoder, options=options), opened.vectors)
    community = opened.usable_community()
    tuning = TuneConfig(minutes=minutes, trials=trials)
    outcomes: list[Outcome] = []
    for name in ("recommend", "search") if system == "all" else (system,):
        speaker.note(TUNES, system=SYSTEMS[name](speaker.lang), minutes=minutes)
        storage, told = opened.path / STORAGE, _teller(speaker)
        if name == "recommend":
            config = recommend_config(opened)
            outcome = tune_recommend(community, config, tuning, storage, options, encoder=encoder, told=told)
        else:
            plain = search_config(opened)
            outcome = tune_search(community, plain, tuning, storage, options, encoder=encoder, told=told)
        if outcome.is_better:
            # What was judged is what is served: a build searches for nothing more of the kind.
            fixed = {"tuning": "none"} if name == "recommend" else {}
            write_settings(opened.config_path, name, fixed | outcome.settings)
        outcomes.append(outcome)
    if as_json:
        speaker.json([{**_described(outcome), "written": outcome.is_better} for outcome in outcomes])
        return
    for outcome in outcomes:
        _show(speaker, opened, outcome)
    if any(outcome.is_better for outcome in outcomes):
        speaker.say(NEXT, workspace=opened.path)


def _teller(speaker: Face) -> "Told":
    def tell(number: int, value: float, best: float) -> None:
        speaker.note(TRIED, number=number, value=value, best=best)

    return tell


def _show(speaker: Face, workspace: Workspace, outcome: "Outcome") -> None:
    system = SYSTEMS[outcome.system](speaker.lang)
    if outcome.too_little is not None:
        speaker.say(TOO_LITTLE, system=system, why=outcome.too_little)
        return
    if outcome.lead is None:
        speaker.say(AS_IT_WAS, system=system, trials=outcome.trials, start=outcome.start)
        return
    speaker.say(
        FOUND if outcome.is_better else NOT_KEPT,
        system=system, best=outcome.best, start=outcome.start, trials=outcome.trials, path=workspace.config_path,
        lead=outcome.lead.value, low=outcome.lead.low, high=outcome.lead.high,
    )  # fmt: skip
    if outcome.is_better:
        for path, value in outcome.settings.items():
            speaker.line(f"  {path} = {value}")


def _described(outcome: "Outcome") -> dict[str, object]:
    from dataclasses import asdict

    return {**asdict(outcome), "lead": None if outcome.lead is None else vars(outcome.lead)}
