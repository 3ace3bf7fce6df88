"""会员分群与价值: who the members are, who may leave and why, and what to do next.

python examples/members_zh.py
"""

import polars as pl

import penchant as pt
from penchant.data.simulated import SimulatedConfig, simulate


def main(events: int = 30_000, members: int = 300) -> None:
    """Segments of a simulated bazaar by name, the members worth most with reasons, and how many get each action."""
    shop = simulate(SimulatedConfig(events=events, members=members, language="zh", seed=5)).community
    held = pt.members.train(shop, pt.members.MembersConfig.model_validate({"segments": {"least": 4}}))

    print(f"{len(held.segments)} 个分群，抽样一致度 {held.segments.stability:.2f}")
    for segment in held.segments:
        print(f"  {segment.name.zh}：{segment.size} 人，人均消费 {segment.spend:,.0f}。{segment.told.zh}")

    if held.worth is None:
        print(f"暂不预测价值：{held.too_little}")
        return
    table = held.worth.table()
    print(f"未来 {held.worth.horizon_days} 天预期消费最高的会员：")
    for row in table.head(3).iter_rows(named=True):
        print(f"  {row['member_id']}：预期 {row['spend']:,.0f}，回购概率 {row['returns']:.0%}，RFM {row['cell']}")
    leaving = table.sort("churn", descending=True, nulls_last=True)["member_id"][0]
    print(f"流失风险最高的是 {leaving}：{'；'.join(held.worth.why(leaving, 'zh')[:2])}")

    actions = pt.members.next_actions(held.profiles, held.worth, pt.members.read_actions())
    counted = pl.Series("action", [told.zh for told in actions]).value_counts(sort=True)
    for action, count in counted.iter_rows():
        print(f"  {action}：{count} 人")


if __name__ == "__main__":
    main()
