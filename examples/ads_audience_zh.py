"""按人群投放广告: whom a campaign reaches, a cap on ads in a list, and what another policy would have earned.

python examples/ads_audience_zh.py
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

import penchant as pt
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.evaluation.off_policy import snips

RULES = """- {do: cap, most: 1, items: {tag: 广告}}
"""


def main(events: int = 6_000) -> None:
    """A campaign for the largest category; each list tries one new ad, and the log says what ads are worth."""
    plain = simulate(SimulatedConfig(events=events, language="zh", seed=5)).community
    largest = plain.items["categories"].explode().value_counts(sort=True)["categories"][0]
    ads = pl.DataFrame(
        {"item_id": [f"广告{n}" for n in range(6)], "title": [f"{largest.split(' > ')[-1]} 新品 {n}" for n in range(6)],
         "categories": [[largest]] * 6, "tags": [["广告"]] * 6}
    )  # fmt: skip
    known = plain.items.filter(pl.col("item_id").is_in(plain.with_ids("events")["item_id"].implode()))
    items = pl.concat([known, ads], how="diagonal_relaxed")
    shop = pt.Community.from_tables(items, plain.with_ids("events"), plain.members)

    strata, wide = pt.interests.stratify(shop), largest.split(" > ")[0]
    reached = pt.interests.audience(strata, wide, least_share=0.02)
    print(f"“{wide}”人群：{len(reached)} 位会员，预计 {reached.expected:.0f} 位真正关注")

    with TemporaryDirectory() as folder:
        (Path(folder) / "rules.yaml").write_text(RULES, encoding="utf-8")
        policy = pt.recommend.PolicyConfig(
            rules_file="rules.yaml",
            exploration={"slots": 1, "among": 6, "new_below": 1, "log": "shown.jsonl", "seed": 0},
            home=Path(folder),
        )
        config = pt.recommend.RecommendConfig(policy=policy, ranker={"enabled": False}, checked_reasons=False)
        model = pt.recommend.train(shop, config)
        audience = [shop.member_ids.id(int(row)) for row in reached.members]
        # Ten visits each: which ad is tried is drawn anew each time.
        lists = [model.recommend(member, k=5, lang="zh") for member in audience for _ in range(10)]
        log = pt.recommend.read_log(Path(folder) / "shown.jsonl")
    print(f"例如：{lists[0].strategy}")

    # Members take ad 0 up twice as often as the others: what would showing ad 0 alone have earned?
    tried = log.filter((pl.col("strategy") == "thompson") & pl.col("item").str.starts_with("广告"))
    rng = np.random.default_rng(7)
    chance = np.where(tried["item"].to_numpy() == "广告0", 0.4, 0.2)
    reward = (rng.random(len(tried)) < chance).astype(float)
    only_first = (tried["item"].to_numpy() == "广告0").astype(float)
    value = snips(reward, tried["propensity"].to_numpy(), only_first, clip=20)
    print(f"日志 {len(tried)} 次试投，点击率 {reward.mean():.2f}；只投广告0 估计为 {value.value:.2f}"
          f"（{value.low:.2f} 至 {value.high:.2f}，真实为 0.40）")  # fmt: skip


if __name__ == "__main__":
    main()
