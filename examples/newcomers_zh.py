"""模拟社区：向新人提问，每次回答后更新推荐；再看仅凭关系与推荐结识的会员。

python examples/newcomers_zh.py
"""

import penchant as pt
from penchant.data.simulated import SimulatedConfig, simulate
from penchant.social import Answer, ColdStart, Friends, Graph, Newcomers, Questionnaire


def main(events: int = 30_000) -> None:
    bazaar = simulate(SimulatedConfig(events=events, language="zh", seed=4)).community
    graph = Graph.of(bazaar)
    options = pt.Options(seed=1, progress=False)

    # 提问：每次选择预计信息量最大的问题，可回答喜欢、不喜欢或不了解。
    sheet = Questionnaire(Newcomers.fit(graph, options=options), bazaar)
    for answer in (Answer.LIKE, Answer.DISLIKE, Answer.LIKE):
        question = sheet.next()
        if question is None:
            break
        sheet = sheet.answered(question, answer)
        pick = sheet.recommend(1, lang="zh")[0]
        print(f"{question.text('zh')} {answer}\n  → {pick.title}：{pick.reason}")

    # 留出一部分会员，检验每多一个回答，推荐好多少。
    curve = ColdStart.of(graph, options=options, steps=5)
    ratios = [asked / popular for asked, popular in zip(curve.answers, curve.popularity, strict=True)]
    print("\n回答 0 到 5 个问题后，NDCG@10 为热门推荐的 " + "、".join(f"{ratio:.2f}" for ratio in ratios) + " 倍")

    # 关系：新人一个问题也没回答，只关注了两个人；以及老会员可以结识谁。
    tied = Questionnaire.start(sheet.newcomers, bazaar, friends=["m000003", "m000008"])
    print(f"\n{tied.strategy('zh')}：{tied.recommend(1, lang='zh')[0].title}")
    found = Friends(bazaar, graph).fit(options).suggest("m000003", 3, lang="zh")
    for one in found.picks:
        print(f"  推荐 m000003 结识 {one.member_id}：{one.reason}")


if __name__ == "__main__":
    main()
