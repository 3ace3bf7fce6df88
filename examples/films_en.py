"""Films (MovieLens small, installed with Penchant): ours against the most popular, a list made to differ, refined.

python examples/films_en.py
"""

import polars as pl

import penchant as pt
from penchant.data.public import load
from penchant.data.splits import last_split
from penchant.evaluation.bootstrap import paired_difference


def main(members: int = 200) -> None:
    """Hold each member's last film out, judge, then recommend."""
    films = load("movielens-small")
    films = films.with_events(films.events.filter(pl.col("member") < members))
    config = pt.recommend.RecommendConfig(
        sources=("popularity", "ease", "cooccurrence"), liked_ratings="all", ranker={"enabled": False}
    )
    split = last_split(films, seed=0, unseen=True)
    fitted = pt.recommend.fit(split.train, split.validation, config, pt.Options())
    ours = pt.recommend.evaluate(fitted.recommender, split)
    popular = pt.recommend.evaluate(fitted.recommender.with_weights({"popularity": 1.0}), split)
    lead = paired_difference(ours.metrics.per_member["ndcg@10"], popular.metrics.per_member["ndcg@10"])
    print(
        f"NDCG@10 on each member's last film: {ours.metrics.means['ndcg@10']:.3f}, the most popular alone "
        f"{popular.metrics.means['ndcg@10']:.3f} (ahead by {lead.low:+.3f} to {lead.high:+.3f})"
    )

    spread = config.model_copy(
        update={"policy": pt.recommend.PolicyConfig(diversity={"method": "mmr", "trade_off": 0.5})}
    )
    model = pt.recommend.train(films, spread, setup=fitted.setup)
    member = films.member_ids.id(7)
    shown = model.recommend(member, k=5)
    print(f"\nFor member {member} ({shown.strategy}):")
    for pick in shown:
        print(f"  {pick.title}: {pick.reason}")

    wishes = model.wish("the 80s, no horror", shown=shown)
    print(f"\nThey say “the 80s, no horror”, so {wishes.meant('en')}:")
    print("  " + "; ".join(pick.title for pick in model.recommend(member, k=4, wishes=wishes)))


if __name__ == "__main__":
    main()
