from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from word_encoder import WordEncoder

from penchant.errors import ArtifactError, ConfigError, NotFittedError, TooLittleDataError
from penchant.evaluation.classification import evaluate_classes
from penchant.search import Grader, GraderConfig, pair_tuning
from penchant.search.pairs import COMPARED, compared
from penchant.training.options import Options

OPTIONS = Options(threads=1, progress=False)
SUBJECTS = ["感冒咳嗽", "离婚申请", "图片轮播", "公积金提取", "手机壳材质", "电影下载"]
SITES = ["百度知道", "家庭医生在线", "小游戏大全"]


def graded(count: int, seed: int = 0) -> tuple[list[tuple[str, str]], list[int]]:
    """Titles of another subject are 0; of the same, 1; and 2 where a good site wrote them, which few did."""
    rng = np.random.default_rng(seed)
    pairs, grades = [], []
    for _ in range(count):
        subject, site = SUBJECTS[rng.integers(6)], SITES[rng.choice(3, p=[0.6, 0.2, 0.2])]
        same = rng.random() < 0.75
        title = f"{subject if same else SUBJECTS[rng.integers(6)]} 怎么办 {site}"
        pairs.append((f"{subject} {rng.integers(9)}", title))
        grades.append(0 if subject not in title else 1 + (site == "家庭医生在线"))
    return pairs, grades


QUICK = GraderConfig(folds=2, trees=25, learning_rate=0.2, columns=1 << 14)


@pytest.fixture(scope="module")
def grader() -> Grader:
    return Grader(QUICK, encoder=WordEncoder()).fit(*graded(400), OPTIONS)


SMALL = QUICK.model_copy(update={"columns": 1 << 12, "trees": 10})


@pytest.fixture(scope="module")
def small() -> Grader:
    return Grader(SMALL, encoder=WordEncoder()).fit(*graded(200), OPTIONS)


def macro_f1(predicted: Sequence[int], truth: Sequence[int]) -> float:
    return evaluate_classes(truth, predicted, ["0", "1", "2"]).macro_f1


def test_planted_grades_are_found_for_pairs_never_seen(grader: Grader) -> None:
    pairs, grades = graded(300, seed=1)
    assert macro_f1(grader.predict(pairs), grades) > 0.9  # type: ignore[arg-type]
    assert grader.probabilities(pairs).sum(axis=1) == pytest.approx(1, abs=1e-4)
    scores = grader.score(pairs)
    assert scores[np.array(grades) == 2].mean() > scores[np.array(grades) == 0].mean() + 1


@pytest.mark.parametrize(
    "changed",
    [
        {"meaning": False}, {"spelling": False}, {"columns": 64}, {"meaning_softness": 1e-4},
        {"spelling_softness": 1e-4}, {"anchors": 5}, {"reach": 5.0}, {"trees": 2}, {"leaves": 2},
        {"learning_rate": 0.01}, {"folds": 3},
    ],
)  # fmt: skip
def test_every_option_changes_what_is_said(small: Grader, changed: dict[str, float]) -> None:
    other = Grader(SMALL.model_copy(update=changed), encoder=WordEncoder()).fit(*graded(200), OPTIONS)
    pairs, _ = graded(50, seed=2)
    assert not np.allclose(other.probabilities(pairs), small.probabilities(pairs), atol=1e-4)


def test_a_saved_grader_says_the_same_and_wants_its_encoder(grader: Grader, tmp_path: Path) -> None:
    grader.save(tmp_path)
    pairs, _ = graded(20, seed=3)
    again = Grader.load(tmp_path, encoder=WordEncoder())
    assert np.array_equal(again.probabilities(pairs), grader.probabilities(pairs))
    assert again.predict(pairs).tolist() == grader.predict(pairs).tolist()
    with pytest.raises(ArtifactError, match="learned with the encoder 'words'; 'others' was given"):
        Grader.load(tmp_path, encoder=WordEncoder("others"))
    with pytest.raises(ConfigError, match="has no encoder"):
        Grader.load(tmp_path).probabilities(pairs)


def test_a_rare_grade_is_given_as_often_as_it_pays() -> None:
    rng = np.random.default_rng(0)
    pairs, grades = graded(600)
    blurred = [grade if rng.random() < 0.6 else 1 for grade in grades]
    model = Grader(QUICK, encoder=WordEncoder()).fit(pairs, blurred, OPTIONS)
    others, truth = graded(400, seed=4)
    plain = np.array(model.grades)[model.probabilities(others).argmax(axis=1)]
    assert macro_f1(model.predict(others), truth) > macro_f1(plain, truth)  # type: ignore[arg-type]


def test_empty_texts_and_no_pairs_are_graded(grader: Grader) -> None:
    assert grader.probabilities([("", ""), ("?", "…"), ("x" * 10_000, "锅" * 10_000)]).shape == (3, 3)
    assert grader.predict([]).tolist() == []


def test_too_few_pairs_and_an_unfitted_grader_are_refused() -> None:
    with pytest.raises(TooLittleDataError, match="two grades at least"):
        Grader(QUICK, encoder=WordEncoder()).fit([("a", "b")] * 50, [1] * 50, OPTIONS)
    with pytest.raises(TooLittleDataError, match=r"have \[40, 3\] pairs"):
        Grader(QUICK, encoder=WordEncoder()).fit([("a", "b")] * 43, [1] * 40 + [2] * 3, OPTIONS)
    with pytest.raises(NotFittedError):
        Grader().probabilities([("a", "b")])
    with pytest.raises(ConfigError, match="cannot be fine-tuned"):
        Grader(QUICK.model_copy(update={"tuned": pair_tuning()}), encoder=WordEncoder()).fit(*graded(150), OPTIONS)


def test_comparisons_say_what_their_names_say() -> None:
    rows = compared([("连衣裙 8", "夏季連衣裙"), ("连衣裙", "铸铁锅")], np.array([0.5, 0.1], dtype=np.float32))
    said = {name: rows[:, place].tolist() for place, name in enumerate(COMPARED)}
    assert said["cosine"] == pytest.approx([0.5, 0.1])
    assert said["letters_found"] == pytest.approx([3 / 5, 0])
    assert said["twos_found"] == pytest.approx([2 / 4, 0])
    assert said["longest_run"] == pytest.approx([3 / 5, 0])
    assert said["whole_query"] == [0, 0]
    assert said["numbers_found"][0] == 0
    assert np.isnan(said["numbers_found"][1])
    assert said["title_letters"] == [5, 3]


def test_a_fine_tuned_pair_encoder_is_one_more_part_and_is_saved_with_the_others(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With a random BERT that is small enough to be tuned in a second."""
    from penchant.text.transformer import load_encoder

    encoder = load_encoder(_tiny_bert(tmp_path_factory.mktemp("tiny")), options=OPTIONS)
    config = QUICK.model_copy(
        update={"meaning": False, "spelling": False, "tuned": pair_tuning(epochs=6, learning_rate=1e-2), "trees": 10}
    )
    model = Grader(config, encoder=encoder).fit(*graded(120), OPTIONS)
    without = Grader(config.model_copy(update={"tuned": None, "meaning": False})).fit(*graded(120), OPTIONS)
    pairs, _ = graded(20, seed=5)
    assert not np.allclose(model.probabilities(pairs), without.probabilities(pairs))
    model.save(tmp_path)
    again = Grader.load(tmp_path, encoder=encoder)
    assert again.probabilities(pairs) == pytest.approx(model.probabilities(pairs), abs=1e-5)


def _tiny_bert(folder: Path) -> Path:
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    letters = sorted(set("".join(SUBJECTS + SITES) + "怎么办0123456789"))
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁", *letters]
    tokenizer = Tokenizer(models.Unigram([(piece, -float(row)) for row, piece in enumerate(pieces)], unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=len(pieces), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=80, pad_token_id=1, initializer_range=0.1,
        )  # fmt: skip
        BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder
