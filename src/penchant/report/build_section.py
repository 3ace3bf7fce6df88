"""What the build cost, stage by stage."""

from collections.abc import Mapping

from penchant.builds import Build
from penchant.language import Lang, Phrase
from penchant.report.charts import SERIES, Bar, Chart, bars_height, horizontal_bars
from penchant.report.page import Section


def build_section(build: Build, titles: Mapping[str, Phrase], lang: Lang) -> Section:
    """Seconds and memory of each stage.

    Args:
        build: whose record is shown.
        titles: what each stage is called; one that is missing goes by its own name.
        lang: the language.
    """
    stages = build.record.stages
    named = [titles[stage.name](lang) if stage.name in titles else stage.name for stage in stages]
    bars = [
        Bar(name, stage.seconds, shown=Phrase("{seconds:,.1f} s", "{seconds:,.1f} 秒")(lang, seconds=stage.seconds))
        for name, stage in zip(named, stages, strict=True)
    ]
    kept = sum(stage.made_in != build.version for stage in stages)
    note = Phrase(
        "{kept} stages were taken over from earlier builds, as nothing that goes into them had changed.",
        "其中 {kept} 个阶段的输入未变，沿用了此前构建的结果。",
    )(lang, kept=kept)
    chart = Chart(
        "stages",
        Phrase("Seconds by stage", "各阶段耗时")(lang),
        note if kept else "",
        horizontal_bars([Bar(bar.label, bar.value, None, bar.shown, SERIES[6]) for bar in bars]),
        tuple(
            phrase(lang)
            for phrase in (
                Phrase("stage", "阶段"),
                Phrase("seconds", "耗时（秒）"),
                Phrase("peak memory (MB)", "内存峰值（MB）"),
                Phrase("build", "构建"),
            )
        ),
        tuple(
            (name, f"{stage.seconds:,.1f}", f"{stage.peak_rss_mb:,.0f}", stage.made_in)
            for name, stage in zip(named, stages, strict=True)
        ),
        height=bars_height(len(bars)),
        wide=True,
    )
    lead = Phrase(
        "Build {version}, finished {at:%Y-%m-%d %H:%M} UTC with Penchant {penchant}: {seconds:,.0f} seconds of work, "
        "{memory:,.1f} GB of memory at most.",
        "构建 {version}（Penchant {penchant}，{at:%Y-%m-%d %H:%M} UTC）：{seconds:,.0f} 秒，内存 {memory:,.1f} GB。",
    )(
        lang,
        version=build.version,
        at=build.record.finished_at,
        penchant=build.record.penchant,
        seconds=sum(stage.seconds for stage in stages),
        memory=max(stage.peak_rss_mb for stage in stages) / 1000,
    )
    return Section(
        "build", Phrase("Build", "构建")(lang), Phrase("How it was made", "构建信息")(lang), lead, charts=(chart,)
    )
