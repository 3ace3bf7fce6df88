"""Films (MovieLens small, installed with Penchant): a member's tiers, whom a campaign reaches, what is latent.

python examples/interests_en.py
"""

import polars as pl

import penchant as pt
from penchant.data.public import load
from penchant.data.strata import Strata, Tier


def show_member(strata: Strata, member_id: str) -> None:
    """One member, tier by tier, with the event that each interest rests on most."""
    mine = strata[member_id]
    print(f"Member {member_id}, on evidence worth {mine.evidence_count:.0f} independent looks:")
    for interest in mine.interests:
        low, high = interest.interval
        because = interest.evidence[0].title if interest.evidence else "predicted from members like this one"
        print(f"  {interest.tier:9} {interest.label:12} {interest.share:4.0%} ({low:.0%} to {high:.0%})  {because}")
    if note := mine.note():
        print(f"  {note}")


def main(members: int = 671) -> None:
    films = load("movielens-small")
    films = films.with_events(films.events.filter(pl.col("member") < members))

    # Genres are the items' categories here; a labeller would read the texts of items that have none.
    strata = pt.interests.stratify(films)
    busiest = films.events["member"].value_counts().sort(["count", "member"], descending=[True, False])["member"]
    show_member(strata, films.member_ids.id(busiest[len(busiest) // 2]))

    # Whom would a week of horror films reach, and how many of these really give it a tenth of their time?
    reached = pt.interests.audience(strata, "Horror", least_share=0.10)
    low, high = reached.interval
    print(
        f"\nHorror: {len(reached)} members, {reached.expected:.0f} ({low:.0f} to {high:.0f}) at a tenth of their time"
    )
    for other in sorted(reached.overlaps, key=lambda other: -other.lift)[:3]:
        print(f"  {other.share:.0%} of them hold {other.label}, {other.lift:.1f} times as many as members at large")

    # Interests that hardly show yet, by how many members they are predicted for.
    latent = strata.counts().filter(pl.col("tier") == Tier.LATENT.value).sort("members", descending=True)
    print("\nLatent: " + ", ".join(f"{label} ({count})" for label, _, count in latent.head(5).iter_rows()))


if __name__ == "__main__":
    main()
