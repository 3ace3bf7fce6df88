"""Builds: which answers, how good each was, and switching between them."""

from typing import Final

from penchant.builds import Build
from penchant.console.desk import Desk
from penchant.console.pages import trial
from penchant.console.view import View
from penchant.errors import PenchantError
from penchant.language import Lang, Phrase
from penchant.report.build_section import build_section

TITLE: Final = Phrase("Builds", "构建")
LEAD: Final = Phrase(
    "A build answers whole or not at all: a switch takes effect at once, and back again.",
    "构建整体生效：切换立即完成，也可随时切回。",
)
NONE: Final = Phrase(
    "There is no build yet. Run `penchant build` on the server.", "还没有构建。请在服务器上运行 penchant build。"
)
HEADINGS: Final = (
    Phrase("version", "版本"),
    Phrase("finished (UTC)", "完成时间（UTC）"),
    Phrase("seconds", "耗时（秒）"),
    Phrase("NDCG@10", "NDCG@10"),
)
FORWARD: Final = Phrase("Let it answer", "切换到此构建")
BACK: Final = Phrase("Roll back to it", "回滚到此构建")
ASK: Final = Phrase("Build {version} answers from now on. Go on?", "今后由构建 {version} 应答。确定吗？")
CURRENT: Final = Phrase("answers", "应答中")
ACT: Final = Phrase("action", "操作")
SWITCHED: Final = Phrase("Build {version} answers now.", "现在由构建 {version} 应答。")


def builds(desk: Desk, lang: Lang) -> View:
    """All finished builds, the newest first, and the stages of the one that answers."""
    from penchant.stages import STAGES

    found, current = desk.workspace.builds(), desk.build
    titles = {stage.name: stage.title for stage in STAGES}
    sections = (build_section(current, titles, lang),) if current is not None else ()
    return View(
        TITLE(lang),
        LEAD(lang),
        "builds.html.j2",
        sections,
        problem="" if found else NONE(lang),
        data={
            "headings": [heading(lang) for heading in HEADINGS],
            "current": CURRENT(lang),
            "act": ACT(lang),
            "trial": trial.trial(desk, lang) if current is not None and len(found) > 1 else None,
            "builds": [
                {
                    "version": build.version,
                    "current": current is not None and build.version == current.version,
                    "cells": _cells(build),
                    "ask": ASK(lang, version=build.version),
                    "action": (BACK if current and int(build.version) < int(current.version) else FORWARD)(lang),
                }
                for build in reversed(found)
            ],
        },
    )


def _cells(build: Build) -> tuple[str, ...]:
    own = [stage for stage in build.record.stages if stage.made_in == build.version]
    try:
        judged = build.quality.systems["penchant"]["ndcg@10"]
        shown = f"{judged.value:.3f}"
    except (PenchantError, KeyError):
        # Too little was there to hold anything out, or the build has no such stage.
        shown = "–"
    return f"{build.record.finished_at:%Y-%m-%d %H:%M}", f"{sum(stage.seconds for stage in own):,.0f}", shown
