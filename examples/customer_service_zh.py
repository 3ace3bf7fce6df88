"""智能客服: intents from past dialogues, the reply that was given before, and a search where neither is sure.

python examples/customer_service_zh.py
"""

from itertools import product

import numpy as np
import polars as pl

import penchant as pt
from penchant.text import load_encoder

OPENINGS = ("", "你好，", "请问", "麻烦问下，", "在吗？", "客服，", "我想问一下，", "帮我看看，")
THINGS = ("连衣裙", "电饭锅", "蓝牙耳机", "登山鞋", "保温杯", "键盘", "行李箱", "台灯")
# Each intent: what is asked, in which {0} is a thing, and the reply. The last two ways of asking are held back.
INTENTS = {
    "查物流": (["{0}到哪了", "我的{0}什么时候能送到", "{0}的快递怎么不动了", "{0}发货三天了还没收到", "{0}还要等几天才来", "物流一直没更新，{0}丢了吗"],
             "已为您查询，包裹正在运输途中，预计两天内送达。"),
    "催发货": (["{0}怎么还不发货", "能不能快点发{0}", "下单好久了{0}没发", "{0}什么时候发出", "我买的{0}几时寄", "付了款{0}一直待发货"],
             "非常抱歉，仓库会在 24 小时内发出您的订单。"),
    "退货": (["{0}不喜欢想退", "{0}怎么退货", "我要把{0}退掉", "{0}七天内能退吗", "{0}不合适可以寄回吗", "收到{0}不想要了怎么弄"],
           "支持七天无理由退货，请在订单页点击“申请退货”。"),
    "退款进度": (["{0}的退款什么时候到账", "退了{0}钱还没到", "{0}退款到哪一步了", "{0}已经寄回去了，钱呢", "退款怎么这么慢，{0}早退了", "{0}的钱几天能退回来"],
             "退款将在签收退货后一至三个工作日内原路退回。"),
    "换货": (["{0}想换一个颜色", "{0}能换大一码吗", "{0}可以换货吗", "我想把{0}换成别的款", "{0}买错型号了想调换", "拿到的{0}不对，换成正确的行吗"],
           "可以换货，请告诉我们想换的规格，运费由我们承担。"),
    "质量问题": (["{0}坏了", "{0}用了两天就出故障", "{0}有破损", "{0}质量太差了", "{0}打开就是裂的", "{0}刚用就不能用了"],
             "很抱歉给您带来不便，请上传照片，我们为您补发或退款。"),
    "开发票": (["{0}可以开发票吗", "{0}的发票怎么开", "我要{0}的增值税发票", "{0}的电子发票在哪下载", "报销用，{0}要票", "{0}开公司抬头行吗"],
            "请在订单详情中填写抬头与税号，电子发票会发到您的邮箱。"),
    "优惠": (["{0}有优惠券吗", "{0}能便宜点吗", "{0}最近有活动吗", "{0}满减怎么用", "买{0}可以打折不", "{0}还会降价吗"],
           "本周全场满 200 减 30，领券后下单即可使用。"),
    "改地址": (["{0}的收货地址填错了", "{0}能改地址吗", "{0}想换个地址收", "帮我改一下{0}的收件人", "{0}寄到公司可以吗，填了家里", "地址写错了，{0}还没发能改不"],
            "订单发出前可以修改地址，请把新地址发给我们。"),
    "取消订单": (["{0}的订单取消吧", "不想要{0}了，取消", "怎么取消{0}的订单", "{0}拍错了帮我关掉", "{0}重复下单了删一个", "{0}先别发了，我不买了"],
             "订单已为您取消，款项会立即退回。"),
}  # fmt: skip
STRANGE = ("有没有适合爬山穿的鞋", "送妈妈什么保温杯好", "推荐一款静音的键盘", "夏天穿的裙子有哪些")


def dialogues(ways: slice) -> pl.DataFrame:
    """Past dialogues of some ways of asking, one for each opening or thing drawn."""
    rng = np.random.default_rng(0)
    rows = []
    for intent, (asked, reply) in INTENTS.items():
        for way, opening in product(asked[ways], OPENINGS):
            rows.append((opening + way.format(rng.choice(THINGS)), intent, reply))
    return pl.DataFrame(rows, schema=["question", "intent", "reply"], orient="row")


def main(encoder: str | None = "e5-small") -> None:
    """Learn from four ways of asking each, judge on two that were never seen, and answer."""
    model = load_encoder(encoder) if encoder else None
    shop = pl.DataFrame(
        {
            "item_id": [f"p{n}" for n in range(len(THINGS))],
            "title": [f"{thing} 静音 登山 夏季 送礼"[: 4 + 3 * (n % 4)] for n, thing in enumerate(THINGS)],
        }
    )
    support = pt.search.Support(encoder=model, searcher=pt.search.Searcher(encoder=model).fit(shop))
    past, new = dialogues(slice(0, 4)), dialogues(slice(4, 6))
    support.fit(past)
    quality = support.evaluate(new)
    print(f"学习 {len(past)} 条历史对话、{len(INTENTS)} 种意图，检验 {quality.questions} 条从未见过的问法：")
    print(f"意图准确率 {quality.intent_accuracy:.2f}，最佳回复 recall@1 {quality.recall_at_1:.2f}")
    print(f"有把握作答 {quality.answered:.0%}，其中回复正确 {quality.answered_recall_at_1:.2f}\n")
    for question in (*new["question"].to_list()[:: len(new) // 4][:4], *STRANGE):
        answer = support.answer(question, k=2)
        said = answer.reply or "、".join(pick.title for pick in answer.found or ()) or "转人工"
        print(f"问：{question}\n答：{said}\n    （{answer.strategy}）")


if __name__ == "__main__":
    main()
