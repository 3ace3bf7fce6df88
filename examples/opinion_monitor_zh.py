"""舆情监测: label a stream of Chinese reviews by topic and feeling, day by day, and tell when blame of a topic surges.

python examples/opinion_monitor_zh.py                                # a few written templates, nothing else needed
PENCHANT_DATA=folder/of/data python examples/opinion_monitor_zh.py   # real reviews of ten categories
"""

from datetime import date, timedelta

import numpy as np

import penchant as pt
from penchant.data.public import load
from penchant.errors import ReadError
from penchant.members import OpinionMonitor

GOOD = ("{}很好，非常满意", "{}不错，下次还来", "喜欢，{}超出预期", "{}一流，推荐给朋友", "对{}很满意，好评")
BAD = ("{}太差了，失望", "{}有问题，要求退货", "差评，{}一塌糊涂", "{}糟糕，再也不买", "对{}很不满，投诉")
WAYS = ("水果的新鲜度", "水果的味道", "手机的电池", "手机的屏幕", "酒店的房间", "酒店的服务")


def reviews(rng: np.random.Generator) -> dict[str, dict[bool, list[str]]]:
    """Texts by topic and by whether they praise: real ones where they are, else written from templates."""
    found: dict[str, dict[bool, list[str]]] = {}
    try:
        labels = load("reviews-zh").labels
    except ReadError:
        print("没有 reviews-zh 数据（由 PENCHANT_DATA 指定），改用模板评论。")
        for way in WAYS:
            topic = found.setdefault(way[:2], {True: [], False: []})
            for good, templates in ((True, GOOD), (False, BAD)):
                topic[good] += [template.format(way) for template in templates] * 20
    else:
        for text, paths in labels.select("text", "labels").iter_rows():
            if len(paths) == 1 and 8 <= len(text) <= 100:
                topic_name, feeling = paths[0].split(" > ")
                found.setdefault(topic_name, {True: [], False: []})[feeling == "正面"].append(text)
        found = {topic: texts for topic, texts in found.items() if min(map(len, texts.values())) >= 800}
    for each in (each for texts in found.values() for each in texts.values()):
        rng.shuffle(each)
    return found


def main(days: int = 45, texts_a_day: int = 80, learned: int = 150) -> None:
    """Learn from labelled reviews, then watch others pass, among which one topic goes wrong on one day."""
    rng = np.random.default_rng(0)
    pool = reviews(rng)
    texts = [text for topic in pool.values() for each in topic.values() for text in each[:learned]]
    labels = [
        [f"{topic} > {'正面' if good else '负面'}"]
        for topic, each in pool.items()
        for good, held in each.items()
        for _ in held[:learned]
    ]
    known = pt.interests.LabelledTexts.of(texts, [paths[0] for paths in labels])
    labeller = pt.interests.Labeller(pt.interests.LabellerConfig(names=False, meaning=False)).fit(known)
    tree = labeller.taxonomy.labels
    signs = np.array([path.endswith("正面") * 1.0 - path.endswith("负面") for path in tree])
    tops = [row for row, path in enumerate(tree) if " > " not in path]
    wrong_topic, wrong_day = min(pool), days - 5
    print(f"从 {len(texts)} 条评论学习了 {len(tops)} 个话题；第 {wrong_day + 1} 天“{wrong_topic}”出了问题\n")
    monitor = OpinionMonitor()
    for day in range(days):
        passed = []
        for _ in range(texts_a_day):
            topic = wrong_topic if day == wrong_day and rng.random() < 0.3 else str(rng.choice(sorted(pool)))
            blamed = rng.random() < (0.7 if day == wrong_day and topic == wrong_topic else 0.2)
            held = pool[topic][not blamed][learned:] or pool[topic][not blamed]
            passed.append(held[int(rng.integers(len(held)))])
        chances = labeller.label(passed).probabilities
        topics = [tree[tops[place]] for place in chances[:, tops].argmax(axis=1)]
        feelings = (chances @ signs).clip(-1, 1).tolist()
        for surge in monitor.update(date(2026, 3, 1) + timedelta(days=day), passed, topics, feelings):
            print(f"警报 {surge.said('zh')}")
            print("".join(f"    {text}\n" for text in surge.examples[:3]))
    print(f"共 {days} 天，{monitor.days['topic'].n_unique()} 个话题")


if __name__ == "__main__":
    main()
