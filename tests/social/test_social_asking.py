"""The next question: one whose answer changes what is shown, not one that only tells who somebody is."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from planted_circles import circles

from penchant.social.answers import Answer
from penchant.social.asking import Asking
from penchant.social.graph import Graph
from penchant.social.known import Known, NewcomersConfig
from penchant.social.mixture import MixtureConfig
from penchant.social.newcomers import Newcomers
from penchant.social.topics import TopicsConfig
from penchant.training.options import Options

MEMBERS = 240
BEST = 12
"""Items of each of the two lists that members want, and half like."""
TAIL = 400
"""Items of each of the two tails: a member likes six of one."""


@pytest.fixture(scope="module")
def planted() -> Newcomers:
    """Which tail a member is of is told for sure by its tag and changes no list; which list they want, by another."""
    rng = np.random.default_rng(0)
    wants, tail = np.arange(MEMBERS) % 2, np.arange(MEMBERS) // 2 % 2
    likes = np.zeros((MEMBERS, 2 * BEST + 2 * TAIL), dtype=np.float32)
    for member in range(MEMBERS):
        likes[member, rng.choice(BEST, 6, replace=False) + BEST * wants[member]] = 1
        likes[member, rng.choice(BEST, 2, replace=False) + BEST * (1 - wants[member])] = 1
        likes[member, 2 * BEST + rng.choice(TAIL, 6, replace=False) + TAIL * tail[member]] = 1
    kinds = np.repeat(np.arange(4), [BEST, BEST, TAIL, TAIL])
    tags = sp.csr_matrix((np.ones(len(kinds), np.float32), (np.arange(len(kinds)), kinds)))
    graph = replace(
        Graph.of(circles(MEMBERS, ties=False)),
        likes=sp.csr_matrix(likes), dislikes=sp.csr_matrix(likes.shape, dtype=np.float32), tags=tags,
        tag_names=("list one", "list two", "tail one", "tail two"),
    )  # fmt: skip
    config = NewcomersConfig(topics=TopicsConfig(groups=()), mixture=MixtureConfig(kinds=4), fewest_likes=1)
    return Newcomers.fit(graph, config, Options(progress=False))


def asked(newcomers: Newcomers, known: Known, **settings: object) -> str:
    """The tag that the next question is about."""
    one = newcomers.configured(newcomers.config.model_copy(update=settings))
    number = one.next_question(known, about="topics")
    assert number is not None
    return one.questions.topics.tags[number - len(one.questions.items)][0]


def test_what_changes_the_list_is_asked_and_not_what_only_tells_who_somebody_is(planted):
    assert asked(planted, Known(), asked_by="information").startswith("tail")
    assert asked(planted, Known(), asked_by="worth").startswith("list")


def test_of_one_question_considered_only_information_decides(planted):
    assert asked(planted, Known(), considered=1) == asked(planted, Known(), asked_by="information")


def test_the_worth_of_a_question_is_that_of_the_lists_after_its_answers(planted):
    items = planted.questions.items
    found = Asking(planted).worth(Known(), np.arange(len(planted.questions)))
    for number in [0, 1, *np.flatnonzero(planted.questions.subjects).tolist()]:
        expected = 0.0
        for place, answer in enumerate((Answer.LIKE, Answer.DISLIKE, Answer.UNKNOWN)):
            likely = float(planted.belief(Known()).kinds @ planted.chances[place, :, number])
            scores = planted.scores(Known().answered(number, answer))
            # What is asked about is not shown.
            scores[items[number : number + 1]] = 0
            expected += likely * dcg(scores)
        assert found[number] == pytest.approx(expected, rel=1e-3)
    topics = planted.questions.subjects
    nothing = dcg(planted.scores(Known()))
    # An answer never makes the list worse on average.
    assert found[topics].min() > nothing - 1e-3
    assert found[topics].max() > 1.1 * nothing


def dcg(scores: np.ndarray) -> float:
    return float(np.sort(scores)[::-1][:10] @ (1 / np.log2(np.arange(2, 12))))
