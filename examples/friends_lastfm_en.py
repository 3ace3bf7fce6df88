"""Last.fm (in PENCHANT_DATA): whether friends share taste, whom to befriend and why, and a newcomer's first questions.

python examples/friends_lastfm_en.py
"""

import penchant as pt
from penchant.data.public import load
from penchant.social import Answer, Friends, Graph, Newcomers, Questionnaire, statistics


def main(member_id: str = "2", *, ranker: bool = True) -> None:
    club = load("lastfm")
    graph = Graph.of(club)
    options = pt.Options(seed=1, progress=False)
    print(statistics(graph, options.rng()).told())

    # Whom to befriend: the order is learned from ties that are hidden for it, a minute's work.
    friends = Friends(club, graph)
    if ranker:
        friends.fit(options)
    found = friends.suggest(member_id, k=5)
    print(f"\nFor member {member_id}, by {found.strategy}:")
    for one in found.picks:
        print(f"  {one.member_id}: {one.reason}")

    # Somebody new says which music they are into. What they are asked next depends on what they said.
    sheet = Questionnaire(Newcomers.fit(graph, options=options), club)
    for answer in (Answer.LIKE, Answer.UNKNOWN, Answer.LIKE):
        question = sheet.next()
        if question is None:
            break
        sheet = sheet.answered(question, answer)
        first = ", ".join(pick.title for pick in sheet.recommend(4))
        print(f"\n{question.text()} {answer}\n  {first}")

    # A newcomer with three friends and no answers at all.
    tied = Questionnaire.start(sheet.newcomers, club, friends=[one.member_id for one in found.picks[:3]])
    print(f"\n{tied.strategy()}")
    for pick in tied.recommend(3):
        print(f"  {pick.title}: {pick.reason}")


if __name__ == "__main__":
    main()
