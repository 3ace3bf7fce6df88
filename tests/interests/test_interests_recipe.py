"""From a community to a labeller: splits are honoured, items stand for their texts, categories serve without labels."""

from dataclasses import replace

import polars as pl
import pytest
from planted_texts import CharacterEncoder, planted

from penchant.data.community import Community
from penchant.errors import TooLittleDataError
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import LabellerConfig
from penchant.interests.recipe import category_texts, evaluate, train, unlabelled_texts
from penchant.training.options import Options

SPELLING = LabellerConfig(names=False, meaning=False)


def community_of(small: Community, labelled: LabelledTexts, splits: list[str | None]) -> Community:
    labels = pl.DataFrame(
        {
            "text": list(labelled.texts),
            "item_id": pl.Series([None] * len(labelled), dtype=pl.String),
            "labels": [list(answers[0]) for answers in labelled.given],
            "split": splits,
        }
    )
    return Community.from_tables(small.items, small.with_ids("events"), small.members, labels=labels)


def test_a_labeller_learns_from_train_calibrates_on_dev_and_is_judged_on_test(small_community: Community) -> None:
    labelled = planted(60)
    splits = [("train", None, "dev", "test")[row % 4] for row in range(len(labelled))]
    shop = community_of(small_community, labelled, splits)
    labeller = train(shop, SPELLING)
    assert labeller.report.texts == sum(split in ("train", None) for split in splits)
    assert labeller.report.held_out == splits.count("dev")
    quality = evaluate(labeller, shop)
    assert quality.texts == splits.count("test")
    assert quality.accuracy > 0.9
    assert quality.hierarchy_violations == 0
    assert quality.answered > 0.3
    assert quality.risk <= 0.1


def test_without_labels_the_items_in_categories_teach(small_community: Community) -> None:
    bare = replace(small_community, labels=small_community.labels.clear())
    labeller = train(bare, LabellerConfig(), encoder=CharacterEncoder())
    assert labeller.report.texts == len(bare.items)
    assert set(labeller.taxonomy.leaves) == {"厨房 > 锅具", "Outdoor > Camping", "Books > Crime"}
    assert labeller.label(["厨房锅具"]).labels(0) == ("厨房 > 锅具",)


def test_items_teach_by_all_that_they_say_but_their_categories(small_community: Community) -> None:
    labelled = category_texts(small_community, 100, Options())
    assert labelled is not None
    assert len(labelled) == len(small_community.items)
    assert not any("Camping" in text for text in labelled.texts)
    few = category_texts(small_community, 5, Options())
    assert few is not None
    assert len(few) == 5
    assert set(few.texts) <= set(labelled.texts)
    bare = small_community.items.with_columns(pl.lit(None, dtype=pl.List(pl.String)).alias("categories"))
    assert category_texts(replace(small_community, items=bare), 5, Options()) is None


def test_a_label_of_an_item_is_a_label_of_its_text(small_community: Community) -> None:
    labelled = LabelledTexts.of_community(small_community)
    assert labelled.texts[1] == small_community.item_texts[7].strip()


def test_labelled_texts_are_not_among_the_unlabelled(small_community: Community) -> None:
    texts = unlabelled_texts(small_community, 1000, Options())
    assert "好锅" not in texts
    assert "锅 or tent" in texts
    assert len(unlabelled_texts(small_community, 3, Options())) == 3


def test_there_is_nothing_to_judge_by_without_a_test_split(small_community: Community) -> None:
    labeller = train(community_of(small_community, planted(5), [None] * len(planted(5))), SPELLING)
    with pytest.raises(TooLittleDataError, match="no labelled texts of the split 'test'"):
        evaluate(labeller, small_community)
