"""视频站: plays of episodes in order, shows that are watched again, and what was only shown.

python examples/video_zh.py
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import penchant as pt

SERIES = ("深海探秘", "古城迷案", "厨房一小时", "星际漂流", "少年球队", "山野人家")
EPISODES = 8


def site(viewers: int) -> pt.Community:
    """Each viewer follows two series, episode after episode; covers of others are shown and passed by."""
    rng = np.random.default_rng(2)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    videos = pl.DataFrame(
        [
            (f"{s}-{e}", f"{name} 第{e + 1}集", [f"剧集 > {name}"])
            for s, name in enumerate(SERIES)
            for e in range(EPISODES)
        ],
        schema=["item_id", "title", "categories"],
        orient="row",
    )
    rows = []
    for viewer in range(viewers):
        at = start + timedelta(hours=viewer)
        for series in rng.choice(len(SERIES), 2, replace=False):
            for episode in range(int(rng.integers(2, EPISODES))):
                at += timedelta(hours=2)
                rows.append((f"v{viewer}", f"{series}-{episode}", "play", at, 2_400.0))
                rows.append((f"v{viewer}", f"{rng.integers(len(SERIES))}-0", "show", at, None))
    events = pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at", "duration"], orient="row")
    return pt.Community.from_tables(videos, events)


def main(viewers: int = 200) -> None:
    """The next episode should come first, though no rule says what an episode is."""
    videos = site(viewers)
    model = pt.recommend.train(videos, pt.recommend.RecommendConfig(ranker={"enabled": False}))
    heaviest = sorted(model.weights.items(), key=lambda pair: -pair[1])[:2]
    print("权重最大的来源：" + "、".join(f"{name} {weight:.2f}" for name, weight in heaviest))
    right = asked = 0
    for viewer in range(viewers):
        mine = videos.events.filter(
            (pl.col("member") == videos.member_ids.row(f"v{viewer}")) & (pl.col("kind") == "play")
        )
        series, episode = videos.item_ids.id(mine["item"][-1]).split("-")
        if int(episode) + 1 < EPISODES:
            asked += 1
            right += model.recommend(f"v{viewer}", k=1)[0].item_id == f"{series}-{int(episode) + 1}"
    print(f"{asked} 位观众中，{right / asked:.0%} 的首位推荐正是下一集（随机猜中约 {1 / len(videos.items):.0%}）")
    (pick,) = model.recommend("v0", k=1, lang="zh")
    print(f"例如：{pick.title}　{pick.reason}")


if __name__ == "__main__":
    main()
