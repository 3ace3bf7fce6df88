"""News: articles are new every day, so what nobody has read yet must be told from its section and its words.

python examples/news_en.py
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import penchant as pt
from penchant.recommend.growing import grown

SECTIONS = ("World", "Politics", "Business", "Science", "Sport", "Culture", "Health", "Travel")
DAYS, A_DAY = 14, 16


def newsroom(readers: int) -> pt.Community:
    """Two weeks of articles; readers keep to one or two sections, and today's articles are read by nobody yet."""
    rng = np.random.default_rng(1)
    today = datetime(2026, 3, 15, 8, tzinfo=UTC)
    articles = pl.DataFrame(
        [
            (f"a{day}-{n}", f"{SECTIONS[n % 8]} story {day}-{n}", [SECTIONS[n % 8]], today - timedelta(days=DAYS - day))
            for day in range(DAYS + 1)
            for n in range(A_DAY)
        ],
        schema=["item_id", "title", "categories", "created_at"],
        orient="row",
    )
    reads = []
    for reader in range(readers):
        for day in range(DAYS):
            for n in rng.choice([reader % 8, (reader % 8 + reader // 8) % 8], 2):
                article = f"a{day}-{int(n) + 8 * int(rng.integers(2))}"
                reads.append((f"r{reader}", article, "read", today - timedelta(days=DAYS - day, minutes=-reader)))
    events = pl.DataFrame(reads, schema=["member_id", "item_id", "kind", "at"], orient="row").unique(
        ["member_id", "item_id"], maintain_order=True
    )
    return pt.Community.from_tables(articles, events)


def main(readers: int = 120) -> None:
    """Recommend today's articles, then one that comes in while the reader is there."""
    news = newsroom(readers)
    config = pt.recommend.RecommendConfig(new_item_trust=1.0, tuning="none", ranker={"enabled": False})
    model = pt.recommend.train(news, config)
    old = [item for item in news.items["item_id"] if not item.startswith(f"a{DAYS}-")]
    right = 0
    for reader in range(readers):
        mine = {SECTIONS[reader % 8], SECTIONS[(reader % 8 + reader // 8) % 8]}
        shown = model.recommend(f"r{reader}", k=2, exclude=old)
        right += sum(pick.title.split()[0] in mine for pick in shown)
    print(f"{right / (2 * readers):.0%} of today's articles shown are of a section that the reader keeps to")
    print(f"(a guess would be right {np.mean([len({r % 8, (r % 8 + r // 8) % 8}) for r in range(readers)]) / 8:.0%})")

    breaking = pl.DataFrame({"item_id": ["now"], "title": ["Science story, just in"], "categories": [["Science"]]})
    wider = grown(model, breaking)
    for reader in ("r3", "r4"):
        picks = wider.recommend(reader, k=8, exclude=old)
        place = [pick.item_id for pick in picks].index("now") + 1 if "now" in [p.item_id for p in picks] else None
        where = f"at place {place}" if place else "not among the first eight"
        print(f"Breaking science stands {where} for {reader}, who reads {SECTIONS[int(reader[1:]) % 8]}")


if __name__ == "__main__":
    main()
