"""一家中文商店: recommendations with reasons, a sentence at a time, what goes with an item, and search.

python examples/shop_zh.py
"""

import numpy as np

import penchant as pt
from penchant.data.simulated import SimulatedConfig, simulate


def main(events: int = 6_000) -> None:
    """A simulated bazaar; with an encoder from `load_encoder()`, texts take part as well."""
    shop = simulate(SimulatedConfig(events=events, language="zh", seed=3)).community
    model = pt.recommend.train(shop, pt.recommend.RecommendConfig(ranker={"enabled": False}))
    busiest = np.bincount(shop.events["member"].to_numpy()).argsort()[::-1]
    member = shop.member_ids.id(int(busiest[0]))

    shown = model.recommend(member, k=4, lang="zh")
    print(f"为会员 {member} 推荐（{shown.strategy}）：")
    for pick in shown:
        print(f"  {pick.title}　{pick.reason}")

    wishes = None
    for sentence in ("再便宜一点", f"不要{shown[0].title[-2:]}", "价格无所谓"):
        wishes = model.wish(sentence, wishes, shown=shown)
        shown = model.recommend(member, k=3, lang="zh", wishes=wishes)
        print(f"\n会员说“{sentence}”，目前的要求：{wishes.meant('zh') or '无'}")
        print("  " + "、".join(pick.title for pick in shown) if shown.picks else f"  {shown.strategy}")

    bought = shop.events.filter(shop.events["kind"] == "buy")["item"].value_counts(sort=True)["item"][0]
    beside = model.goes_with(shop.item_ids.id(bought), k=3, lang="zh")
    print(f"\n与“{shop.titles[bought]}”搭配：" + "、".join(pick.title for pick in beside))

    found = pt.search.train(shop).search(shop.titles[bought], k=3, member_id=member)
    print(f"搜索“{shop.titles[bought]}”：" + "、".join(f"{pick.title}（{pick.reason}）" for pick in found))


if __name__ == "__main__":
    main()
