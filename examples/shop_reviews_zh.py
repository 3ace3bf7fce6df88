"""Chinese shop reviews: learn from labelled ones, label new ones, say where unsure, and show which words decide.

python examples/shop_reviews_zh.py                                # simulated reviews, nothing else needed
PENCHANT_DATA=folder/of/data python examples/shop_reviews_zh.py   # real ones: ten categories, praise and blame
"""

from dataclasses import replace

import numpy as np

import penchant as pt
from penchant.data.public import load
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.errors import ReadError
from penchant.text import load_encoder


def reviews(texts: int) -> pt.Community:
    """A shop with so many labelled reviews, parted into train (to learn from), dev (how sure to be) and test."""
    try:
        shop = load("reviews-zh")
    except ReadError:
        print("没有 reviews-zh 数据（由 PENCHANT_DATA 指定），改用模拟评论。")
        return simulate(SimulatedConfig(events=2_000, language="zh", labelled_texts=-(-texts // 48))).community
    chosen = shop.labels.sample(min(texts, len(shop.labels)), seed=0, shuffle=True)
    splits = np.random.default_rng(0).choice(["train", "dev", "test"], len(chosen), p=[0.6, 0.25, 0.15])
    return replace(shop, labels=chosen.drop("split").with_columns(split=splits))


def main(texts: int = 1_000, encoder: str | None = "e5-small") -> None:
    """Learn, judge, label, explain; without an encoder, from spelling alone."""
    shop = reviews(texts)
    config = pt.interests.LabellerConfig(names=bool(encoder), meaning=bool(encoder))
    model = load_encoder(encoder) if encoder else None
    labeller = pt.interests.train(shop, config, encoder=model, unlabelled=())
    leaves = labeller.taxonomy.leaves
    print(f"从 {labeller.report.texts} 条评论学习了 {len(leaves)} 个标签，如“{leaves[0]}”")

    quality = pt.interests.evaluate(labeller, shop)
    print(f"留出的 {quality.texts} 条评论：准确率 {quality.accuracy:.2f}，校准误差 {quality.ece:.2f}")
    print(f"有把握的占 {quality.answered:.0%}，其中 {quality.risk:.1%} 有误（允许 {config.risk:.0%}）\n")

    held_back = shop.labels.filter(shop.labels["split"] == "test")["text"].drop_nulls().to_list()
    new = [*[text for text in held_back if len(text) < 60][:4], "今天天气不错"]
    said = labeller.label(new)
    for row, text in enumerate(new):
        given = "、".join(said.labels(row)) or "无"
        print(f"{'没有把握' if said.unsure[row] else '有把握'}  {given}（{said.probabilities[row].max():.0%}）  {text}")

    # How far the label's log-odds fall when a word is left out.
    occlusion = pt.interests.AttributionConfig(method="occlusion")
    (why,) = pt.interests.attribute(labeller, new[:1], config=occlusion)
    strongest = sorted(why.words, key=lambda word: -abs(word.share))[:5]
    print(f"\n为何是“{why.label}”：" + "，".join(f"{word.text} {word.share:+.2f}" for word in strongest))


if __name__ == "__main__":
    main()
