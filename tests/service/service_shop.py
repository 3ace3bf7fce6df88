"""A shop with planted tastes, built without a language model: words stand in for one."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.pipeline import Context, Stage, build
from penchant.stages import STAGES
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows
from penchant.workspace import Workspace

START = datetime(2026, 1, 1, tzinfo=UTC)
CATEGORIES = {
    "Kitchen > Pots": [
        "copper pot",
        "iron pot",
        "clay pot",
        "steel pot",
        "soup pot",
        "stock pot",
        "rice pot",
        "tin pot",
    ],
    "Outdoor > Tents": [
        "dome tent",
        "red tent",
        "tunnel tent",
        "beach tent",
        "light tent",
        "big tent",
        "old tent",
        "tipi tent",
    ],
    "图书 > 小说": [
        "长篇 小说",
        "侦探 小说",
        "历史 小说",
        "科幻 小说",
        "言情 小说",
        "武侠 小说",
        "悬疑 小说",
        "短篇 小说",
    ],
}
MEMBERS = 30


class Words:
    """Each word stands for a direction of its own; a text is the sum of its words."""

    name = "words"
    width = 32

    def encode(self, texts: Sequence[str]) -> Floats:
        return unit_rows(np.stack([self._text(text) for text in texts]).astype(np.float32))

    def _text(self, text: str) -> np.ndarray:
        words = text.lower().replace(".", " ").replace(",", " ").split() or [""]
        return np.sum(
            [np.random.default_rng(zlib.crc32(word.encode())).normal(size=self.width) for word in words], axis=0
        )


def community() -> Community:
    """24 items in three categories; member m likes the category m modulo 3, and nearly nothing else."""
    rng = np.random.default_rng(3)
    paths, titles = zip(*((path, title) for path, names in CATEGORIES.items() for title in names), strict=True)
    items = pl.DataFrame(
        {
            "item_id": [f"p{row}" for row in range(len(titles))],
            "title": titles,
            "categories": [[path] for path in paths],
            "price": [10.0 + row for row in range(len(titles))],
        }
    )
    rows = []
    for member in range(MEMBERS):
        for turn in range(12):
            topic = member % 3 if rng.random() < 0.9 else int(rng.integers(3))
            item = topic * 8 + int(rng.integers(8))
            at = START + timedelta(days=turn, hours=member % 24, seconds=int(rng.integers(3_000)))
            rows.append((f"m{member}", f"p{item}", ["view", "like", "view", "save"][turn % 4], at))
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row")
    ties = pl.DataFrame({"member_id": ["m0", "m3"], "other_id": ["m3", "m6"], "kind": ["friend", "follow"]})
    return Community.from_tables(items, events, ties=ties)


def build_shop(folder: Path, store_url: str | None = None) -> Workspace:
    """A workspace with that community and a build over it."""
    settings = "" if store_url is None else f'[store]\nurl = "{store_url}"\n'
    workspace = Workspace.create(folder, settings=settings + "[build]\nkeep = 5\n")
    with workspace.store() as store:
        store.write(community())
    return build_again(workspace)


def build_again(workspace: Workspace, *, seed: int = 0) -> Workspace:
    """A further build, of a seed that makes it another one."""
    plain = {stage.name: stage for stage in STAGES}
    made = {"interests": _interests, "recommend": _recommend, "search": _search}
    stages = [plain["community"]]
    for name, run in made.items():
        stages.append(Stage(name, plain[name].title, lambda context: {"seed": context.options.seed}, run))
    build(workspace, options=Options(seed=seed, threads=1, progress=False), stages=stages)
    return workspace


def build_everything(workspace: Workspace) -> Workspace:
    """A build of every system that these few members and items allow, the language model apart."""
    from dataclasses import replace

    config = workspace.config_path
    config.write_text(config.read_text(encoding="utf-8") + "\n[social]\nuse_network = false\n", encoding="utf-8")
    workspace = Workspace.open(workspace.path)
    plain = {stage.name: stage for stage in STAGES}
    made = {
        "interests": _interests, "members": _members, "drift": _drift, "recommend": _recommend, "search": _search,
    }  # fmt: skip
    stages = [replace(plain[name], after=()) for name in ("community", "social")]
    for name, run in made.items():
        stages.append(Stage(name, plain[name].title, lambda context: {"seed": context.options.seed}, run))
    build(workspace, options=Options(threads=1, progress=False), stages=stages)
    return workspace


def _drift(context: Context, folder: Path) -> None:
    from penchant.drift import learn

    learn(context.community, options=context.options).save(folder)


def _members(context: Context, folder: Path) -> None:
    from penchant.members.recipe import MembersConfig, train
    from penchant.members.segments import SegmentConfig

    train(context.community, MembersConfig(segments=SegmentConfig(least=2, most=4)), context.options).save(folder)


def _interests(context: Context, folder: Path) -> None:
    from penchant.interests import InterestsConfig, learn

    config = InterestsConfig(source="categories", sentiment=False, teachers=1)
    learn(context.community, config, context.options, encoder=Words()).save(folder)


def _recommend(context: Context, folder: Path) -> None:
    from penchant.recommend import RecommendConfig, RulesConfig, train

    # What was liked may be shown again: there are few items.
    config = RecommendConfig(
        sources=("popularity", "als", "cooccurrence", "text"), tuning="none", ranker={"enabled": False},
        settings={"als": {"factors": 8}}, rules=RulesConfig(seen_kinds=frozenset({"buy", "hide"})),
    )  # fmt: skip
    train(context.community, config, context.options, encoder=Words()).save(folder)


def _search(context: Context, folder: Path) -> None:
    from penchant.search import Searcher

    Searcher(encoder=Words()).fit(context.community).save(folder)
