"""A word that alone decides the label gets the largest share, pieces make up the text, and shares add up."""

import builtins
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_texts import CharacterEncoder
from tiny_reader import DECIDING, OPTIONS, planted, tiny_encoder

from penchant.errors import ConfigError, InputError, MissingExtraError, UnknownIdError
from penchant.interests.attributions import Attribution, AttributionConfig, attribute
from penchant.interests.deletion import agreement, deletion
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.occlusion import without
from penchant.interests.spelled import character_shares
from penchant.interests.standing import Standing
from penchant.interests.words import Words, WordsConfig
from penchant.text.cache import CachedEncoder
from penchant.text.finetune import FinetuneConfig
from penchant.text.transformer import TransformerEncoder
from penchant.text.tuning.batches import JointTokenizer

OCCLUSION = AttributionConfig(method="occlusion")
SPELLING = LabellerConfig(names=False, meaning=False)
VECTORS = LabellerConfig(spelling=False)
ODD = [
    "",
    "  \n ",
    "苹果",
    " 苹果!",
    "🍎 电池 👩‍🚀❤️",
    "banana 苹果 电池",
    "\ud83d novel",
    "İstanbul  \t banana",
    "。，！",
]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TransformerEncoder:
    return tiny_encoder(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def taught(encoder: TransformerEncoder) -> Labeller:
    return Labeller().fit(planted(25)[0], OPTIONS, encoder=encoder)


@pytest.fixture(scope="module")
def tuned(encoder: TransformerEncoder) -> Labeller:
    """A labeller by a tuned ensemble of two networks alone."""
    config = FinetuneConfig.model_validate(
        {"mode": "lora", "epochs": 8, "learning_rate": 1e-2, "head_learning_rate": 1e-2, "batch_size": 16}
        | {"ensemble": 2, "adapter": {"targets": ("*",)}}
    )
    alone = LabellerConfig(names=False, meaning=False, spelling=False, tuned=config)
    return Labeller(alone).fit(planted(20)[0], OPTIONS, encoder=encoder)


def top_words(found: list[Attribution]) -> list[str]:
    return [max(each.words, key=lambda word: word.share).text for each in found]


def hits(labeller: Labeller, config: AttributionConfig | None = None) -> float:
    """Share of fresh texts in which the word that decides is the one with the largest share."""
    texts, words = planted(8, seed=5)
    labels = [answers[0][0] for answers in texts.given]
    found = attribute(labeller, texts.texts, labels, config)
    return float(np.mean([top == word for top, word in zip(top_words(found), words, strict=True)]))


@pytest.mark.parametrize("method", ["gradients", "occlusion"])
@pytest.mark.parametrize("config", [LabellerConfig(), SPELLING, VECTORS], ids=["all", "spelling", "vectors"])
def test_the_word_that_decides_has_the_largest_share(
    config: LabellerConfig, method: str, encoder: TransformerEncoder
) -> None:
    labeller = Labeller(config).fit(planted(25)[0], OPTIONS, encoder=encoder)
    assert hits(labeller, AttributionConfig(method=method)) > 0.9


def test_a_tuned_model_is_explained_too(tuned: Labeller) -> None:
    assert hits(tuned) > 0.9
    assert hits(tuned, OCCLUSION) > 0.9
    text = "昨天收到苹果很好"
    (found,) = attribute(tuned, [text], ["水果"])
    assert found.log_odds > found.rest
    assert abs(found.missed) < 0.1 * abs(found.log_odds - found.rest)


@pytest.mark.parametrize("unit", ["word", "character"])
@pytest.mark.parametrize("method", ["gradients", "occlusion"])
def test_pieces_make_up_any_text(taught: Labeller, method: str, unit: str) -> None:
    found = attribute(taught, ODD, config=AttributionConfig(method=method, unit=unit))
    for text, each in zip(ODD, found, strict=True):
        assert "".join(piece.text for piece in each.pieces) == text == each.text
        assert [text[piece.start : piece.end] for piece in each.pieces] == [piece.text for piece in each.pieces]
        assert "".join(part for part, _ in each.highlights) == text
        weights = [weight for _, weight in each.highlights]
        assert all(-1 <= weight <= 1 for weight in weights)
        assert np.isfinite([*weights, each.rest, each.log_odds, each.probability]).all()
        if text.strip("。，！ \n"):
            assert max(map(abs, weights)) == 1
    assert found[0].pieces == ()
    assert {piece.share for piece in found[1].pieces} == {0.0}


def test_words_and_symbols_are_pieces_of_their_own(taught: Labeller) -> None:
    (found,) = attribute(taught, ["🍎 电池很好, isn't 👩‍🚀❤️!"], config=OCCLUSION)
    assert [word.text for word in found.words] == ["🍎", "电池", "很", "好", "isn't", "👩‍🚀", "❤️"]


@given(st.text(max_size=40) | st.text("aA İΣ\t苹果!", max_size=40), st.sampled_from([(1, 3), (2, 4)]))
@settings(max_examples=60, deadline=None)
def test_spelling_is_spread_exactly(text: str, sizes: tuple[int, int]) -> None:
    words = Words(WordsConfig(shortest=sizes[0], longest=sizes[1], hash_bits=8, characters=30))
    words.fit([text, "aA 苹果 banana", "aaa  İΣ"])
    weights = np.random.default_rng(0).standard_normal(len(words.kept)).astype(np.float32)
    shares = character_shares(words, text, weights)
    assert shares.shape == (len(text),)
    assert shares.sum() == pytest.approx((words.rows([text]) @ weights).item(), abs=1e-5)


def test_shares_and_rest_add_up_and_more_steps_miss_less(taught: Labeller) -> None:
    texts = planted(4, seed=6)[0].texts
    rough, fine = (attribute(taught, texts, config=AttributionConfig(steps=steps)) for steps in (2, 40))
    for each in fine:
        assert sum(piece.share for piece in each.pieces) + each.rest == pytest.approx(each.log_odds)
    assert np.abs([each.missed for each in fine]).mean() < 0.25 * np.abs([each.missed for each in rough]).mean()
    # What is missed apart, the shares are the difference between the text and a text that says nothing.
    moved = [each.log_odds - each.rest - each.missed for each in fine]
    also = [each.log_odds - each.rest - each.missed for each in rough]
    assert moved == pytest.approx(also, abs=0.02)


def test_log_odds_are_those_of_the_probability(encoder: TransformerEncoder) -> None:
    plain = LabellerConfig(calibration="temperature")
    labelled = planted(15)[0]
    nested = LabelledTexts.of(labelled.texts, [f"all > {given[0][0]}" for given in labelled.given])
    labeller = Labeller(plain).fit(nested, OPTIONS, encoder=encoder)
    for label in ("all > 水果", "all > 手机"):
        for found in attribute(labeller, labelled.texts[:6], [label] * 6, OCCLUSION):
            assert 1 / (1 + np.exp(-found.log_odds)) == pytest.approx(found.probability, abs=1e-4)
    # A label above all others holds whatever the text says.
    (found,) = attribute(labeller, ["昨天收到苹果"], ["all"])
    assert {piece.share for piece in found.pieces} == {0.0}


def test_slopes_are_those_of_the_log_odds(taught: Labeller) -> None:
    texts = planted(3, seed=8)[0].texts
    standing = Standing(taught, texts, ["水果"] * len(texts))
    logits, inside = standing._logits, standing.inside
    step = np.zeros(logits.shape[1])
    for column in range(logits.shape[1]):
        step[:] = 0
        step[column] = 1e-5

        def odds(values: np.ndarray) -> np.ndarray:
            exp = np.exp(values)
            return np.log((exp * inside).sum(1)) - np.log((exp * ~inside).sum(1))

        slope = (odds(logits + step) - odds(logits - step)) / 2e-5 / taught.judge.calibration.temperature
        assert standing.slopes[:, column] == pytest.approx(slope, abs=1e-4)


def test_several_labels_a_text_are_explained_one_at_a_time(encoder: TransformerEncoder) -> None:
    rng = random.Random(1)
    texts, labels = list(planted(25)[0].texts), [list(given[0]) for given in planted(25)[0].given]
    for _ in range(40):
        one, other = rng.sample(list(DECIDING), 2)
        texts.append(
            f"{DECIDING[one][0]} {rng.choice(['昨天', '很好', 'the', 'nice'])} {DECIDING[other][1]} {rng.random()}"
        )
        labels.append([one, other])
    labeller = Labeller().fit(LabelledTexts.of(texts, labels), OPTIONS, encoder=encoder)
    assert not labeller.classes.exclusive
    for config in (None, OCCLUSION):
        found = attribute(labeller, ["苹果 昨天 screen"] * 2, ["水果", "手机"], config)
        assert top_words(found) == ["苹果", "screen"]


def test_neighbours_are_held_while_a_text_is_read(encoder: TransformerEncoder) -> None:
    labelled, spare = planted(10)[0], planted(300, seed=3)[0].texts
    labeller = Labeller(VECTORS).fit(labelled, OPTIONS, encoder=encoder, unlabelled=spare)
    assert labeller.reader.crowd is not None
    assert hits(labeller) > 0.8
    own = Labeller(VECTORS).fit(labelled, OPTIONS, encoder=encoder)
    text = ["昨天收到苹果很好"]
    assert attribute(labeller, text)[0].highlights != attribute(own, text)[0].highlights


def test_tokens_stand_where_they_are_said_to(encoder: TransformerEncoder) -> None:
    inner = JointTokenizer(encoder.tokenizer._tokenizer, 9, "the came ", encoder.pad)
    texts = ["昨天苹果 很好 banana", "", "novel " * 30]
    located = inner.located(texts)
    assert [ids for ids, _ in located] == inner(texts)
    pieces = [texts[0][start:end] for start, end in located[0][1]]
    assert pieces == ["", "", "", "昨天", "苹果", "很好", "banana", ""]


def test_a_long_text_is_read_as_far_as_the_labeller_reads(taught: Labeller) -> None:
    text = "昨天收到苹果很好，" + "快递包装不错。" * 5_000
    for config in (AttributionConfig(steps=2), AttributionConfig(method="occlusion", most_left_out=50)):
        (found,) = attribute(taught, [text], ["水果"], config)
        assert len(found.text) == len("".join(piece.text for piece in found.pieces)) > 35_000
        assert max(found.words, key=lambda word: word.share).start < 200
        assert not any(piece.share for piece in found.pieces[-1000:])


def test_every_option_changes_what_is_said(taught: Labeller) -> None:
    texts = planted(3, seed=9)[0].texts
    plain = AttributionConfig(steps=4)
    usual = [each.highlights for each in attribute(taught, texts, config=plain)]
    for change in ({"steps": 2}, {"baseline": "mask"}, {"unit": "character"}, {"method": "occlusion"}):
        assert usual != [each.highlights for each in attribute(taught, texts, config=plain.model_copy(update=change))]
    few = OCCLUSION.model_copy(update={"most_left_out": 2})
    shares = [{word.share for word in each.words} for each in attribute(taught, texts, config=few)]
    assert max(map(len, shares)) == 2


def test_what_cannot_be_explained_is_refused(taught: Labeller, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownIdError, match="no label 'tea'"):
        attribute(taught, ["苹果"], ["tea"])
    with pytest.raises(InputError, match="1 labels for 2 texts"):
        attribute(taught, ["苹果", "电池"], ["水果"])
    with pytest.raises(InputError, match="one string"):
        attribute(taught, "苹果")
    blind = Labeller(VECTORS).fit(planted(5)[0], OPTIONS, encoder=CharacterEncoder())
    with pytest.raises(ConfigError, match="CharacterEncoder; take the method 'occlusion'"):
        attribute(blind, ["苹果"])
    assert attribute(blind, ["苹果"], config=OCCLUSION)[0].pieces
    real = builtins.__import__

    def without_captum(name: str, *rest: object, **named: object) -> object:
        if name.startswith("captum"):
            raise ImportError(name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without_captum)
    with pytest.raises(MissingExtraError, match=r"captum.*penchant\[train\]"):
        attribute(taught, ["苹果"])
    assert attribute(taught, ["苹果"], config=OCCLUSION)[0].pieces


def test_no_text_with_a_word_left_out_is_kept_on_disk(encoder: TransformerEncoder, tmp_path) -> None:
    cached = CachedEncoder(encoder, tmp_path)
    labelled = planted(10)[0]
    labeller = Labeller(VECTORS).fit(labelled, OPTIONS, encoder=cached)
    before = len(cached)
    found = attribute(labeller, labelled.texts[:5], config=OCCLUSION)
    deletion(labeller, labelled.texts[:5], found)
    assert len(cached) == before
    assert labeller.reader.encoder is cached


def test_deleting_what_explains_lowers_the_probability_and_random_words_do_not(taught: Labeller) -> None:
    texts = [*planted(12, seed=4)[0].texts, "苹果"]
    gradients, occlusion = (attribute(taught, texts, config=config) for config in (None, OCCLUSION))
    for found in (gradients, occlusion):
        deleted = deletion(taught, texts, found, rng=np.random.default_rng(1))
        assert deleted.left_out == 1
        assert deleted.ratio.low > 2
        assert len(deleted.top) == len(texts) - 1
    assert agreement(gradients, occlusion) > 0.5
    assert agreement(gradients, gradients) == pytest.approx(1)
    more = deletion(taught, texts, gradients, share=0.8, rng=np.random.default_rng(1))
    assert more.random.mean() > 2 * deleted.random.mean()
    turned = [attribute(taught, [texts[1]], [label])[0] for label in DECIDING]
    with pytest.raises(InputError, match="differ"):
        agreement(turned[:1], turned[1:2])
    with pytest.raises(InputError, match="other texts"):
        deletion(taught, texts[::-1], gradients)
    with pytest.raises(ConfigError, match="has no meaning"):
        deletion(taught, texts, gradients, share=1.0)


def test_spans_are_left_out_whole() -> None:
    assert without("a🙂b c", [(0, 1), (2, 3)]) == "🙂 c"
    assert without("abc", []) == "abc"
