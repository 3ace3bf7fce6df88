"""智能客服: intents from past dialogues, the reply that was given before, and a search where neither is sure.

python examples/customer_service_zh.py
"""

from itertools import product

import numpy as np
import polars as pl

import penchant as pt
from penchant.text import load_encoder

OPENINGS = ("", "你好，", "请问", "麻烦问下，", "在吗？", "客服，")
THINGS = ("连衣裙", "电饭锅", "蓝牙耳机", "登山鞋", "保温杯", "静音键盘", "行李箱", "护眼台灯")
# What is asked, where * is a thing, and the reply. The last two ways of asking are never learned from.
INTENTS = {
    "物流": "*到哪了|我的*什么时候能送到|*的快递怎么不动了|*发货三天还没收到|查下*的物流|*还要等几天才来|*在路上丢了吗",
    "发货": "*怎么还不发货|能不能快点发*|下单好久了*没发|*什么时候发出|催一下*的发货|我买的*几时寄|付了款*一直待发货",
    "退货": "*不喜欢想退|*怎么退货|我要把*退掉|*七天内能退吗|申请退货，*|*不合适可以退回吗|收到*不想要了要退",
    "退款": "*的退款什么时候到账|退了*钱还没到|*退款到哪一步了|*退款几天到|查*的退款|*寄回了，退款呢|*退款这么慢",
    "换货": "*想换一个颜色|*能换大一码吗|*可以换货吗|我想把*换成别的款|给*换个型号|*买错型号了想换|拿到的*不对，换一个",
    "质量": "*坏了|*用了两天就出故障|*有破损|*质量太差了|*不能用了|*打开就是坏的|*刚用就出故障了",
    "发票": "*可以开发票吗|*的发票怎么开|*要增值税发票|*的发票在哪下载|补开*的发票|报销用，*要发票|*发票开公司的行吗",
    "优惠": "*有优惠券吗|*能便宜点吗|*最近有活动吗|*满减怎么用|*打折吗|买*有什么优惠|*还会再便宜吗",
    "地址": "*的收货地址填错了|*能改地址吗|*换个地址收|改一下*的收件地址|修改*的地址|*还没发，地址写错了|*改寄到公司",
    "取消": "*的订单取消吧|不想要*了，取消|怎么取消*的订单|*拍错了取消|取消订单，*|*重复下单取消一个|*别发了，订单取消",
}
REPLIES = {
    "物流": "包裹正在运输途中，预计两天内送达。", "发货": "非常抱歉，仓库会在 24 小时内发出。",
    "退货": "支持七天无理由退货，请点“申请退货”。", "退款": "签收退货后一至三个工作日原路退回。",
    "换货": "可以换货，运费由我们承担。", "质量": "很抱歉，请上传照片，我们补发或退款。",
    "发票": "请填写抬头与税号，电子发票会发到邮箱。", "优惠": "本周满 200 减 30，领券后下单即可。",
    "地址": "发出前可以修改，请把新地址发给我们。", "取消": "订单已为您取消，款项立即退回。",
}  # fmt: skip
STRANGE = ("有没有适合爬山穿的鞋", "送妈妈什么保温杯好", "打字不吵的键盘", "今天天气怎么样")


def dialogues(ways: slice) -> pl.DataFrame:
    """Past dialogues of some ways of asking, each with every opening and a thing drawn."""
    rng = np.random.default_rng(0)
    rows = [
        (opening + way.replace("*", str(rng.choice(THINGS))), intent, REPLIES[intent])
        for intent, asked in INTENTS.items()
        for way, opening in product(asked.split("|")[ways], OPENINGS)
    ]
    return pl.DataFrame(rows, schema=["question", "intent", "reply"], orient="row")


def main(encoder: str | None = "e5-small") -> None:
    """Learn from five ways of asking each, judge on two that were never seen, and answer."""
    model = load_encoder(encoder) if encoder else None
    shop = pl.DataFrame({"item_id": [f"p{n}" for n in range(len(THINGS))], "title": THINGS})
    support = pt.search.Support(encoder=model, searcher=pt.search.Searcher(encoder=model).fit(shop))
    past, new = dialogues(slice(0, 5)), dialogues(slice(5, 7))
    quality = support.fit(past).evaluate(new)
    print(f"学习 {len(past)} 条历史对话、{len(INTENTS)} 种意图，检验 {quality.questions} 条从未见过的问法：")
    print(f"意图准确率 {quality.intent_accuracy:.2f}，最佳回复 recall@1 {quality.recall_at_1:.2f}")
    print(f"有把握作答 {quality.answered:.0%}，其中回复正确 {quality.answered_recall_at_1:.2f}\n")
    for question in (*new["question"].to_list()[:: len(new) // 4][:4], *STRANGE):
        answer = support.answer(question, k=2)
        said = answer.reply or "、".join(pick.title for pick in answer.found or ()) or "转人工"
        print(f"问：{question}\n答：{said}\n    （{answer.strategy}）")


if __name__ == "__main__":
    main()
