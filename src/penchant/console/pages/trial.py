"""A trial of a second build on some members: begun, looked at and ended beside the list of builds."""

from typing import Any, Final

from penchant.console.desk import Desk
from penchant.errors import ConfigError
from penchant.language import Lang, Phrase
from penchant.service import trying
from penchant.service.trials import TrialResult

HEADING: Final = Phrase("Try a build on some members", "对部分会员试用另一构建")
TOLD: Final = Phrase(
    "Members are divided by a hash of the trial's name and their id, so each always gets the same build. A few of a "
    "hundred are a canary; half of them make an A/B test.",
    "按试验名称与会员编号的哈希划分，每位会员始终由同一构建应答。占比小即灰度发布，占一半即 A/B 测试。",
)
RUNNING: Final = Phrase(
    "Trial {name}: build {version} answers {share:.0%} of the members, build {against} the others, since "
    "{since:%Y-%m-%d %H:%M} UTC.",
    "试验 {name}：自 {since:%Y-%m-%d %H:%M} UTC 起，构建 {version} 应答 {share:.0%} 的会员，其余由 {against} 应答。",
)
NAME: Final = Phrase("Name", "名称")
VERSION: Final = Phrase("Build", "构建")
SHARE: Final = Phrase("Share of members, in %", "会员占比（%）")
BEGIN: Final = Phrase("Begin the trial", "开始试验")
END: Final = Phrase("End the trial", "结束试验")
ASK_END: Final = Phrase("The current build answers everybody again. Go on?", "将由当前构建应答全部会员。确定吗？")
BEGUN: Final = Phrase("The trial has begun.", "试验已开始。")
ENDED: Final = Phrase("The trial has ended; its result stays.", "试验已结束，结果会保留。")
HEADINGS: Final = (
    Phrase("side", "组别"),
    Phrase("members shown something", "有曝光的会员"),
    Phrase("of them did what counts", "其中有目标行为"),
    Phrase("share", "比率"),
)
ARMS: Final = {
    "control": Phrase("build that answers", "当前构建"),
    "treatment": Phrase("build on trial", "试用构建"),
}
VERDICTS: Final = {
    "better": Phrase("The build on trial is better", "试用构建更好"),
    "worse": Phrase("The build on trial is worse", "试用构建更差"),
    "no difference seen": Phrase("No difference is seen", "未见差异"),
    "too few members": Phrase("Too few members to tell yet", "会员数太少，暂无法判断"),
}
DIFFERENCE: Final = Phrase(
    "{verdict}: {difference:+.1%} (95% sure: {low:+.1%} to {high:+.1%}; p = {p_value:.3f}).",
    "{verdict}：{difference:+.1%}（95% 区间 {low:+.1%} 至 {high:+.1%}；p = {p_value:.3f}）。",
)


def trial(desk: Desk, lang: Lang) -> dict[str, Any]:
    """The trial that runs with its result so far, or the form that begins one."""
    builds = desk.state.builds
    running = builds.trial
    others = [build.version for build in reversed(desk.workspace.builds()) if build.version != desk.loaded.version]
    shown: dict[str, Any] = {
        "heading": HEADING(lang), "told": TOLD(lang), "others": others, "running": running is not None,
        "name": NAME(lang), "version": VERSION(lang), "share": SHARE(lang), "begin": BEGIN(lang), "end": END(lang),
        "ask_end": ASK_END(lang),
    }  # fmt: skip
    if running is None:
        return shown
    result = desk.state.exposures.result(running.name)
    fields = {"name": running.name, "version": running.version, "against": running.against, "share": running.share}
    return shown | {
        "told": RUNNING(lang, since=running.started_at, **fields),
        "headings": [heading(lang) for heading in HEADINGS],
        "rows": [
            (ARMS[arm.arm](lang), f"{arm.members:,}", f"{arm.successes:,}", f"{arm.rate:.1%}" if arm.members else "–")
            for arm in result.arms
        ],
        "verdict": _verdict(result, lang),
    }


def begin(desk: Desk, who: str, name: str, version: str, percent: float) -> None:
    """Let a second build answer some members.

    Raises:
        ConfigError: the name, the build or the share has no meaning, or a trial of that name has run before.
        NotBuiltError: there is no such build.
    """
    if not 0 < percent < 100:
        raise ConfigError(f"{percent:g}% of the members is no share; name one between 0 and 100")
    trying.begin(desk.state, who, name, version, percent / 100)


def end(desk: Desk, who: str) -> None:
    """Let the current build answer everybody again.

    Raises:
        NotBuiltError: there is no trial.
    """
    trying.end(desk.state, who)


def _verdict(result: TrialResult, lang: Lang) -> str:
    said = VERDICTS[result.verdict](lang)
    if result.difference is None or result.low is None or result.high is None or result.p_value is None:
        return said
    return DIFFERENCE(
        lang, verdict=said, difference=result.difference, low=result.low, high=result.high, p_value=result.p_value
    )
