"""The audit log: who did what, the newest first, and whether its chain still holds."""

import json
from datetime import timedelta
from typing import Final

from penchant.console.desk import Desk
from penchant.console.view import View
from penchant.language import Lang, Phrase
from penchant.report.words import clipped
from penchant.service.security.audit import Broken, Checked

TITLE: Final = Phrase("Audit", "审计")
WHOLE: Final = Phrase(
    "Each entry seals the one before it. The chain holds; all of it was last checked at {at:%H:%M} UTC.",
    "每条记录都封存了前一条，链条完整；最近一次完整检查于 {at:%H:%M} UTC。",
)
CHECK: Final = Phrase("Check all of it now", "立即完整检查")
BROKEN: Final = Phrase(
    "The chain is broken at entry {place}: {why}. Somebody has changed the log.",
    "链条在第 {place} 条断开：{why}。日志曾被改动。",
)
HEADINGS: Final = (
    Phrase("entry", "序号"),
    Phrase("when (UTC)", "时间（UTC）"),
    Phrase("who", "操作者"),
    Phrase("what", "操作"),
    Phrase("about", "对象"),
    Phrase("details", "详情"),
)
ACTIONS: Final = {
    "log in to console": Phrase("log in to console", "登录控制台"),
    "download audience": Phrase("download audience", "下载受众"),
    "download segment": Phrase("download segment", "下载分群"),
    "promote build": Phrase("promote build", "切换构建"),
    "roll back build": Phrase("roll back build", "回滚构建"),
    "begin trial": Phrase("begin trial", "开始试验"),
    "end trial": Phrase("end trial", "结束试验"),
    "change items": Phrase("change items", "更改物品"),
    "delete item": Phrase("delete item", "删除物品"),
    "export member": Phrase("export member", "导出会员数据"),
    "forget member": Phrase("forget member", "遗忘会员"),
    "settle alert": Phrase("settle alert", "处理告警"),
    "review label": Phrase("review label", "审核物品标签"),
    "review segment": Phrase("review segment", "审核分群名称"),
    "review alert": Phrase("review alert", "审核告警"),
    "review drift": Phrase("review drift", "审核兴趣漂移"),
    "make key": Phrase("make key", "创建密钥"),
    "revoke key": Phrase("revoke key", "吊销密钥"),
    "set user": Phrase("set user", "设置用户"),
    "remove user": Phrase("remove user", "移除用户"),
}
"""What is done, as it stands in the log and as people read it; what is not listed is shown as it stands."""
SHOWN: Final = Phrase("Entries {first:,} to {last:,}", "第 {first:,} 至 {last:,} 条")
NONE: Final = Phrase("Nobody has done anything yet that is kept here.", "还没有需要记录的操作。")
_PER_PAGE: Final = 50


def audit(desk: Desk, lang: Lang, *, before: int | None = None, whole: bool = False) -> View:
    """A page of the log, and whether its chain holds: what came since the last look, and once an hour all of it.

    Args:
        desk: the workspace.
        lang: the language.
        before: only entries of smaller numbers; the newest where absent.
        whole: walk the chain from its first entry.
    """
    log = desk.state.audit
    entries = log.entries(before=before, limit=_PER_PAGE)
    found = log.check_on(whole_every=timedelta(0)) if whole else log.check_on()
    broken = found if isinstance(found, Broken) else None
    rows = [
        (
            f"{entry.place:,}",
            f"{entry.at:%Y-%m-%d %H:%M:%S}",
            entry.who,
            ACTIONS[entry.action](lang) if entry.action in ACTIONS else entry.action,
            clipped(entry.about, 40),
            clipped(json.dumps(dict(entry.details), ensure_ascii=False), 80) if entry.details else "",
        )
        for entry in entries
    ]
    return View(
        TITLE(lang),
        WHOLE(lang, at=found.at) if isinstance(found, Checked) else "",
        "table.html.j2",
        problem=BROKEN(lang, place=broken.place, why=broken.why) if broken is not None else "",
        data={
            "headings": [heading(lang) for heading in HEADINGS],
            "rows": rows,
            "shown": SHOWN(lang, first=entries[0].place, last=entries[-1].place) if entries else "",
            "earlier": "?" if before is not None else "",
            "later": f"?before={entries[-1].place}" if entries and entries[-1].place > 1 else "",
            "none": NONE(lang),
            "act": {"href": "?whole=true", "name": CHECK(lang)},
        },
    )
