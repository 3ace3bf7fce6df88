"""兴趣漂移: who has changed, since when, from what to what, and what they should be shown instead.

python examples/drift_zh.py
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import penchant as pt

KINDS = ("锅具", "露营", "推理小说", "茶具", "园艺", "爵士乐")
ITEMS = 20
START = datetime(2026, 1, 1, tzinfo=UTC)


def shop(members: int, seed: int = 0) -> pt.Community:
    """Members who each keep to one kind of thing, but for the first: from pots to camping, twenty days ago."""
    rng = np.random.default_rng(seed)
    rows = []
    for member in range(members):
        kinds = np.full(70, member % len(KINDS))
        if member == 0:
            kinds[-20:] = 1
        kinds = np.where(rng.random(70) < 0.1, rng.integers(len(KINDS), size=70), kinds)
        for day, kind in enumerate(kinds.tolist()):
            item = f"{KINDS[kind]}{rng.integers(ITEMS):02}"
            rows.append((f"会员{member}", item, "buy", START + timedelta(days=day)))
    names = [(f"{kind}{row:02}", f"{kind} {row}", [kind]) for kind in KINDS for row in range(ITEMS)]
    return pt.Community.from_tables(
        pl.DataFrame(names, schema=["item_id", "title", "categories"], orient="row"),
        pl.DataFrame(rows, schema=["member_id", "item_id", "kind", "at"], orient="row"),
    )


def main(members: int = 72) -> None:
    """Learn a judge and a strategy, say what changed, and recommend as the strategy has it."""
    community = shop(members)
    config = pt.drift.DriftConfig(fewest_members=30, surprise=False)
    drift = pt.drift.learn(community, config, pt.Options(progress=False))
    print(f"{len(drift.table)} 位会员中有 {len(drift.alarms)} 位发生变化：")
    for member in drift.alarms:
        verdict = drift.verdict(member)
        print(f"  {member}：{verdict.told('zh')}")
        print(f"  依据：{'、'.join(piece.title or '' for piece in verdict.evidence)}")
        print(f"  应对：{verdict.attention.told('zh') if verdict.attention else '照常'}")

    recommender = pt.recommend.train(community, options=pt.Options(progress=False))
    ranking = recommender.recommend("会员0", 6, lang="zh", attention=drift.verdict("会员0").attention)
    print(f"{ranking.strategy}：{'、'.join(pick.title for pick in ranking)}")


if __name__ == "__main__":
    main()
