"""Courses: what comes next on a path, for a learner who has just signed up with a sentence, and for one on the way.

python examples/courses_en.py
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

import penchant as pt

PATHS = {
    "Data": ["Statistics I", "Python for data", "SQL in practice", "Machine learning", "Deep learning", "Forecasting"],
    "Design": ["Drawing basics", "Colour and type", "Layout", "Interfaces", "Motion", "Portfolio"],
    "Languages": ["Spanish A1", "Spanish A2", "Spanish B1", "Spanish B2", "Spanish for work", "Spanish literature"],
}


def school(learners: int) -> pt.Community:
    """Learners take a path mostly in its order, a course a month, at 20 to 120 hours and a price by the hour."""
    rng = np.random.default_rng(4)
    rows = [
        (f"{path}-{n}", title, [path], float(20 * (n + 1)), 10.0 * (n + 1))
        for path, titles in PATHS.items()
        for n, title in enumerate(titles)
    ]
    courses = pl.DataFrame(rows, schema=["item_id", "title", "categories", "duration_hours", "price"], orient="row")
    taken = []
    for learner in range(learners):
        path = list(PATHS)[learner % 3]
        for month in range(int(rng.integers(1, 6))):
            at = datetime(2025, 1, 6, tzinfo=UTC) + timedelta(days=30 * month + int(rng.integers(9)), minutes=learner)
            taken.append((f"s{learner}", f"{path}-{month}", "buy", at))
    return pt.Community.from_tables(
        courses, pl.DataFrame(taken, schema=["member_id", "item_id", "kind", "at"], orient="row")
    )


def main(learners: int = 150) -> None:
    """The next course of the path, and a shorter or cheaper one on request."""
    courses = school(learners)
    model = pt.recommend.train(courses, pt.recommend.RecommendConfig(ranker={"enabled": False}))
    right = asked = 0
    for learner in range(learners):
        mine = courses.events.filter(pl.col("member") == courses.member_ids.row(f"s{learner}"))
        path, n = courses.item_ids.id(mine["item"][-1]).split("-")
        asked += 1
        right += model.recommend(f"s{learner}", k=1)[0].item_id == f"{path}-{int(n) + 1}"
    print(f"{right / asked:.0%} of {asked} learners are shown the next course of their path first")

    shown = model.recommend_for(["Data-0"], k=3)
    print("After Statistics I: " + "; ".join(pick.title for pick in shown))
    wishes = model.wish("shorter, at most 40", shown=shown)
    print(f"“Shorter, at most 40” asks for: {wishes.meant('en')}")
    print("So: " + "; ".join(pick.title for pick in model.recommend_for(["Data-0"], k=3, wishes=wishes)))


if __name__ == "__main__":
    main()
