"""Newcomers: kinds of members, what is asked, and what is shown after answers, from ties alone, from words alone."""

import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from penchant.artifacts import save_artifact
from penchant.data.community import Community
from penchant.errors import ArtifactError, InputError, TooLittleDataError, UnknownIdError
from penchant.social import Friends, Social, SocialConfig, learn
from penchant.social.answers import Answer, AnswerConfig, information, read_answer
from penchant.social.graph import Graph
from penchant.social.known import Known, NewcomersConfig
from penchant.social.mixture import Mixture, MixtureConfig
from penchant.social.newcomer_tuning import tuned
from penchant.social.newcomers import Newcomers
from penchant.social.questionnaire import Questionnaire
from penchant.social.rehearsal import (
    INFORMATIVE,
    POPULAR,
    RANDOM,
    StandIns,
    columns_of,
    interview,
    ndcg,
    without_members,
)
from penchant.social.texts import TextVectors
from penchant.social.topics import Topics, TopicsConfig
from penchant.training.options import Options

sys.path += [str(Path(__file__).parent), str(Path(__file__).parent.parent / "recommend")]

from planted_circles import circles, of_group
from word_encoder import WordEncoder

OPTIONS = Options(progress=False)
GENRES = ("jazz", "metal", "folk", "house")


@pytest.fixture(scope="module")
def club() -> Community:
    return circles(120, silent=(0, 1), private=(4, 8))


@pytest.fixture(scope="module")
def newcomers(club: Community) -> Newcomers:
    return Newcomers.fit(Graph.of(club), options=OPTIONS)


@pytest.fixture(scope="module")
def texts(club: Community, newcomers: Newcomers) -> tuple[TextVectors, WordEncoder]:
    encoder = WordEncoder()
    return TextVectors.read(club, newcomers.graph, encoder), encoder


@pytest.fixture(scope="module")
def met() -> tuple[Newcomers, StandIns]:
    """Members of four groups; beside their group's items all like half of what everybody likes, which tells nothing."""
    rng = np.random.default_rng(3)
    group = np.arange(240) % 4
    own = (rng.random((240, 48)) < 0.6) & (np.arange(48) % 4 == group[:, None])
    crowd = rng.random((240, 48)) < 0.7
    likes = sp.csr_matrix(np.hstack([own, crowd]).astype(np.float32))
    graph = Graph.of(circles(240, tags=False, ties=False))
    empty = sp.csr_matrix((96, 0), dtype=np.float32)
    graph = replace(graph, likes=likes, dislikes=likes * 0, tags=empty, tag_names=())
    stand_ins = StandIns.drawn(graph.events, graph.ties, 0.3, np.random.default_rng(0))
    return Newcomers.fit(without_members(graph, stand_ins.rows), options=OPTIONS), stand_ins


def sheet_of(newcomers: Newcomers, club: Community, **known: object) -> Questionnaire:
    return Questionnaire.start(newcomers, club, **known)  # type: ignore[arg-type]


def topic(sheet: Questionnaire, tag: str) -> int:
    """The number of the question about a tag."""
    first = len(sheet.newcomers.questions.items)
    return first + sheet.newcomers.questions.topics.tags.index((tag,))


def shown(sheet: Questionnaire, k: int = 8) -> list[str]:
    return [pick.item_id for pick in sheet.recommend(k)]


class TestKinds:
    def test_the_planted_groups_are_found(self):
        likes = sp.csr_matrix(np.kron(np.eye(3), np.ones((40, 8))) * (np.random.default_rng(0).random((120, 24)) < 0.6))
        mixture = Mixture.fit(likes.astype(np.float32), MixtureConfig(kinds=3), np.random.default_rng(1))
        kind = mixture.kinds_of(likes.astype(np.float32)).argmax(axis=1).reshape(3, 40)
        assert all(len(set(row)) == 1 for row in kind)
        assert len({row[0] for row in kind}) == 3
        assert mixture.share == pytest.approx([1 / 3] * 3, abs=0.01)

    def test_few_members_are_told_into_few_kinds(self):
        likes = sp.csr_matrix(np.ones((20, 4), dtype=np.float32))
        assert len(Mixture.fit(likes, MixtureConfig(), np.random.default_rng(0)).share) == 1

    def test_topics_are_the_tags_and_no_topic_is_asked_twice(self, newcomers):
        topics = newcomers.questions.topics
        assert {tags for tags, shown in zip(topics.tags, topics.examples, strict=True) if not shown} == {
            (genre,) for genre in GENRES
        }
        fond = topics.fond(newcomers.likes).T
        same = [
            (fond[one] * fond[other]).sum() / np.maximum(fond[one], fond[other]).sum()
            for one in range(len(topics))
            for other in range(one)
        ]
        assert max(same) < 0.9

    def test_without_tags_groups_of_items_that_go_together_are_topics(self):
        community = circles(120, tags=False)
        found = Newcomers.fit(Graph.of(community), options=OPTIONS)
        titles = [sheet_of(found, community).question(number) for number in range(len(found.questions))]
        groups = [question for question in titles if question.subject == "topic"]
        assert groups
        for question in groups:
            numbers = {int(title.rsplit(" ", 1)[1]) % 4 for title in question.titles}
            assert len(numbers) <= 2
            assert "such as" in question.text("en")
            assert "这一类" in question.text("zh")

    def test_the_number_of_tags_and_of_cuts_is_kept(self):
        graph = Graph.of(circles(120))
        likes = graph.events.sign().astype(np.float32)
        rng = np.random.default_rng(0)
        none = Topics.of(likes, graph.tags, graph.tag_names, TopicsConfig(tags=0, groups=(4,)), rng)
        assert all(examples for examples in none.examples)
        tags = Topics.of(likes, graph.tags, graph.tag_names, TopicsConfig(tags=2, groups=()), rng)
        assert len(tags) == 2


class TestInformation:
    def test_an_answer_that_everybody_gives_tells_nothing(self):
        chances = np.tile(np.array([0.7, 0.1, 0.2])[:, None, None], (1, 4, 1))
        assert information(np.full(4, 0.25), chances) == pytest.approx([0], abs=1e-6)

    def test_who_dislikes_what_others_like_says_so_more_often(self):
        config = AnswerConfig()
        chances = config.chances(np.array([[0.05], [0.9]]), np.array([0.5]), np.array([1.0]))
        assert chances.sum(axis=0) == pytest.approx(1)
        assert chances[1, 0, 0] > 4 * chances[1, 1, 0]
        assert AnswerConfig(dislikes=0).chances(np.array([[0.5]]), np.array([0.5]), np.array([1.0]))[1] == 0

    @pytest.mark.parametrize(
        ("said", "answer"),
        [("LIKE ", "like"), ("不喜欢", "dislike"), ("don’t know", "don't know"), ("", "don't know"), ("喜欢", "like")],
    )
    def test_answers_are_read_in_both_languages(self, said, answer):
        assert read_answer(said) == answer

    def test_anything_else_is_an_error_that_lists_the_three(self):
        with pytest.raises(InputError, match="'perhaps' is none of like"):
            read_answer("perhaps")


class TestQuestions:
    def test_answers_lead_to_the_group_and_popularity_does_not(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        assert of_group(club, shown(sheet, 48), 1) == pytest.approx(0.25)
        metal = sheet.answered(topic(sheet, "metal"), Answer.LIKE)
        assert of_group(club, shown(metal), 1) == 1
        assert metal.recommend(1)[0].reason == "Because you like metal."
        assert metal.recommend(1, lang="zh")[0].reason == "因为你喜欢metal。"

    def test_a_dislike_leads_away(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        away = sheet.answered(topic(sheet, "metal"), Answer.DISLIKE)
        assert of_group(club, shown(away, 24), 1) < of_group(club, shown(sheet, 24), 1)

    def test_what_was_asked_about_is_not_shown(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        question = sheet.next(about="items")
        assert question.subject == "item"
        assert question.item_id not in shown(sheet.answered(question, Answer.LIKE), 48)

    def test_an_answer_about_an_item_tells_the_group(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        question = sheet.next(about="items")
        group = club.item_ids.row(question.item_id) % 4
        assert of_group(club, shown(sheet.answered(question, Answer.LIKE)), group) > 0.9

    def test_at_most_so_many_are_asked_and_none_twice(self, newcomers, club):
        sheet, asked = sheet_of(newcomers, club), []
        while (question := sheet.next()) is not None:
            asked.append(question.number)
            sheet = sheet.answered(question, Answer.UNKNOWN)
        assert len(asked) == len(set(asked)) == newcomers.config.most_questions == 8
        three = newcomers.configured(newcomers.config.model_copy(update={"most_questions": 3}))
        assert Questionnaire(three, club, sheet.known).next() is None

    def test_a_second_answer_takes_the_place_of_the_first(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        number = topic(sheet, "folk")
        changed = sheet.answered(number, Answer.LIKE).answered(number, Answer.DISLIKE)
        assert shown(changed) == shown(sheet.answered(number, Answer.DISLIKE))

    def test_there_is_no_such_question(self, newcomers, club):
        with pytest.raises(InputError, match="there is no question 9999"):
            sheet_of(newcomers, club).answered(9999, Answer.LIKE)

    def test_the_next_question_depends_on_the_answers(self, newcomers, club):
        sheet = sheet_of(newcomers, club)
        first = sheet.next()
        after = {answer: sheet.answered(first, answer).next().number for answer in Answer}
        assert len(set(after.values())) > 1

    def test_reasons_are_true_when_what_they_name_is_taken_away(self, newcomers, club):
        sheet = sheet_of(newcomers, club, friends=["m006", "m010"])
        for tag, answer in (("metal", Answer.DISLIKE), ("folk", Answer.LIKE)):
            sheet = sheet.answered(topic(sheet, tag), answer)
        scores = newcomers.scores(sheet.known)
        ranking = sheet.recommend(6)
        assert {piece.source for pick in ranking for piece in pick.evidence} >= {"answer", "ties"}
        for pick in ranking:
            column = int(np.searchsorted(newcomers.items, club.item_ids.row(pick.item_id)))
            assert sum(piece.share for piece in pick.evidence) <= 1 + 1e-6
            for piece in pick.evidence:
                if piece.source == "ties":
                    left = replace(sheet.known, friends=np.zeros(0, dtype=np.int64))
                else:
                    number = next(n for n in sheet.known.answers if sheet.question(n).text("en") in piece.text)
                    left = sheet.known.without_answer(number)
                assert newcomers.scores(left)[column] < scores[column]


class TestTies:
    def test_friends_alone_lead_to_their_group_and_are_named(self, newcomers, club):
        sheet = sheet_of(newcomers, club, friends=["m006", "m010", "m014"])
        assert of_group(club, shown(sheet), 2) == 1
        assert sheet.strategy() == "newcomer: goes by 3 ties"
        reason = sheet.recommend(1)[0].reason
        assert reason.endswith(("likes it.", "like it."))
        assert reason.startswith("m0")

    def test_private_friends_are_neither_used_nor_named(self, newcomers, club):
        hidden = sheet_of(newcomers, club, friends=["m004", "m008"])
        assert shown(hidden, 20) == shown(sheet_of(newcomers, club), 20)
        assert hidden.strategy() == "popular: nothing is known of this person yet"
        mixed = sheet_of(newcomers, club, friends=["m004", "m012"]).recommend(12)
        assert "m004" not in " ".join(pick.reason for pick in mixed)

    def test_friends_without_any_like_say_nothing(self, newcomers, club):
        assert shown(sheet_of(newcomers, club, friends=["m000", "m001"])) == shown(sheet_of(newcomers, club))

    def test_a_friend_who_is_no_member_is_an_error(self, newcomers, club):
        with pytest.raises(UnknownIdError, match="'stranger'"):
            sheet_of(newcomers, club, friends=["stranger"])

    def test_the_weight_and_prior_of_ties_change_what_is_shown(self, newcomers, club):
        known = Known(friends=np.array([6, 10]))
        strong = newcomers.scores(known)
        for update in ({"tie_weight": 0.0}, {"tie_prior": 20.0}, {"kind_weight": 0.0}):
            other = newcomers.configured(newcomers.config.model_copy(update=update))
            assert not np.allclose(other.scores(known), strong), update

    def test_a_new_like_of_a_friend_changes_the_next_answer(self, newcomers, club):
        graph = newcomers.graph
        likes = graph.likes.tolil()
        likes[6, club.item_ids.row("i001")] = 1
        known = Known(friends=np.array([6]))
        moved = newcomers.on(replace(graph, likes=likes.tocsr()))
        assert moved.scores(known)[1] > newcomers.scores(known)[1]


class TestWords:
    def test_a_line_about_oneself_leads_to_the_group(self, newcomers, club, texts):
        vectors, encoder = texts
        sheet = sheet_of(newcomers, club, words="jazz", texts=vectors, encoder=encoder)
        assert of_group(club, shown(sheet), 0) == 1
        assert sheet.recommend(1)[0].reason == "Because you wrote “jazz”."
        assert sheet.strategy("zh") == "新人：依据自我介绍"
        everything = sheet_of(newcomers, club, friends=["m012"], words="jazz", texts=vectors, encoder=encoder)
        everything = everything.answered(topic(everything, "jazz"), Answer.LIKE)
        assert everything.strategy() == "newcomer: goes by one answer, one tie and what they say of themselves"

    def test_the_weights_of_words_change_what_is_shown(self, newcomers, club, texts):
        vectors, encoder = texts
        known = sheet_of(newcomers, club, words="jazz", texts=vectors, encoder=encoder).known
        strong = newcomers.scores(known)
        for update in ({"word_weight": 0.0}, {"word_sharpness": 0.0}, {"word_trust": 0.0}):
            other = newcomers.configured(newcomers.config.model_copy(update=update))
            assert not np.allclose(other.scores(known), strong), update

    def test_words_that_nothing_can_read_are_an_error(self, newcomers, club):
        with pytest.raises(InputError, match="their encoder"):
            sheet_of(newcomers, club, words="jazz")
        assert sheet_of(newcomers, club, words="  ").known.nearness is None


class TestRehearsal:
    def mean(self, met: tuple[Newcomers, StandIns], steps: int, strategy: str, about: str = "items") -> float:
        newcomers, stand_ins = met
        crowd = np.flatnonzero(newcomers.items >= 48)
        values = []
        for place in range(len(stand_ins)):
            speaks = stand_ins.speaks[place][:, newcomers.items].tocsr()
            rng = np.random.default_rng(place)
            one = interview(newcomers, speaks, Known(), steps, strategy=strategy, about=about, rng=rng)
            judged = columns_of(newcomers, stand_ins.judged, place)
            values.append(ndcg(newcomers.scores(one.known[-1]), judged, np.union1d(one.asked(newcomers, steps), crowd)))
        return float(np.nanmean(values))

    def test_more_answers_foresee_more_and_adaptive_questions_beat_random_ones(self, met):
        found = {steps: self.mean(met, steps, INFORMATIVE) for steps in (0, 2, 6)}
        assert found[6] > found[2] > found[0]
        assert found[6] > found[0] + 0.1
        for other in (POPULAR, RANDOM):
            assert found[6] > self.mean(met, 6, other) + 0.03, other

    def test_stand_ins_leave_no_trace(self, met):
        newcomers, stand_ins = met
        assert newcomers.graph.events[stand_ins.rows].nnz == 0
        assert newcomers.graph.ties[stand_ins.rows].nnz == newcomers.graph.ties[:, stand_ins.rows].nnz == 0
        assert not np.isin(newcomers.sample, stand_ins.rows).any()
        assert stand_ins.speaks.multiply(stand_ins.judged).nnz == 0

    def test_what_newcomers_are_never_shown_counts_as_missed(self):
        assert ndcg(np.array([0.2, 0.1]), judged=np.array([0, 7]), shut=np.array([], dtype=np.int64)) == pytest.approx(
            1 / (1 + 1 / np.log2(3))
        )
        assert np.isnan(ndcg(np.array([0.2, 0.1]), judged=np.array([0]), shut=np.array([0])))

    def test_weights_are_found_where_there_are_members_enough(self):
        graph = Graph.of(circles(200, likes=8))
        config = NewcomersConfig(tie_weight=0.0, kind_weight=0.5)
        assert tuned(graph, config, OPTIONS).tie_weight > 0
        few = Graph.of(circles(40))
        assert tuned(few, config, OPTIONS) == config


def test_it_loads_to_the_same_answers(newcomers, club, tmp_path):
    newcomers.save(tmp_path)
    again = Newcomers.load(tmp_path, newcomers.graph)
    sheets = [sheet_of(model, club, friends=["m006"]) for model in (newcomers, again)]
    for _ in range(3):
        first, second = (sheet.next() for sheet in sheets)
        assert first == second
        sheets = [sheet.answered(first, Answer.LIKE) for sheet in sheets]
    assert sheets[0].recommend(10) == sheets[1].recommend(10)
    (tmp_path / "arrays.safetensors").write_bytes(b"")
    with pytest.raises(ArtifactError):
        Newcomers.load(tmp_path, newcomers.graph)


def test_what_another_version_saved_is_said(newcomers, club, tmp_path):
    save_artifact(tmp_path / "n", "social-newcomers", meta={"config": {"horoscope": True}})
    with pytest.raises(ArtifactError, match="another version"):
        Newcomers.load(tmp_path / "n", newcomers.graph)
    save_artifact(tmp_path / "f", "social-friends", meta={"config": {"horoscope": True}, "verdict": {}})
    with pytest.raises(ArtifactError, match="another version"):
        Friends.load(tmp_path / "f", club, newcomers.graph)


def test_nobody_likes_anything_is_said(club):
    empty = replace(newcomers_graph(club), likes=sp.csr_matrix((120, 48), dtype=np.float32))
    with pytest.raises(TooLittleDataError, match="nobody here likes anything"):
        Newcomers.fit(empty, options=OPTIONS)


def newcomers_graph(club: Community) -> Graph:
    return Graph.of(club)


def test_items_that_are_not_available_are_not_shown(newcomers, club):
    away = club.items.with_columns(available=club.items["item_id"] != "i001")
    sheet = sheet_of(newcomers, replace(club, items=away))
    assert "i001" not in shown(sheet.answered(topic(sheet, "metal"), Answer.LIKE), 48)


def test_a_first_answer_comes_at_once(newcomers, club):
    sheet_of(newcomers, club).recommend(10)
    taken = []
    for friend in ("m006", "m010", "m014", "m018", "m022"):
        before = time.perf_counter()
        sheet = sheet_of(newcomers, club, friends=[friend])
        sheet.next()
        sheet.recommend(10)
        taken.append(time.perf_counter() - before)
    assert min(taken) < 0.02


def test_the_same_seed_asks_the_same(club, newcomers):
    again = Newcomers.fit(Graph.of(club), options=OPTIONS)
    assert sheet_of(again, club).next() == sheet_of(newcomers, club).next()
    assert np.array_equal(again.chances, newcomers.chances)


def test_what_a_build_keeps_has_friends_and_newcomers_as_they_were_set(tmp_path):
    config = SocialConfig.model_validate(
        {"use_network": False, "friends": {"ties": "directed"}, "newcomers": {"most_questions": 2}}
    )
    community = circles(60)
    whole = learn(community, config, OPTIONS)
    whole.save(tmp_path)
    again = Social.load(tmp_path, community)
    for social in (whole, again):
        assert social.friends.features.directed
        sheet = Questionnaire(social.newcomers, community)
        for _ in range(2):
            sheet = sheet.answered(sheet.next(), Answer.UNKNOWN)
        assert sheet.next() is None
    assert again.friends.suggest("m005", 6) == whole.friends.suggest("m005", 6)
    assert again.newcomers.config == whole.newcomers.config
