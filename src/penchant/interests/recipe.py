"""Interests end to end: from a community's labelled texts to a labeller, and how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from penchant.data.community import Community
from penchant.errors import TooLittleDataError
from penchant.evaluation.classification import calibration, evaluate_classes, hierarchy_violations
from penchant.interests.examples import LabelledTexts
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.taxonomy import Taxonomy
from penchant.text.encoder import Encoder
from penchant.text.tuning.place import Place
from penchant.training.options import Options

TRAINING: Final = ("train", None)
"""Splits that are learned from: rows marked so, and rows that are not marked."""


@dataclass(frozen=True)
class LabellerQuality:
    """How a labeller does on texts it has not seen."""

    texts: int
    accuracy: float
    """Share of texts that get exactly the labels they were given."""
    macro_f1: float
    """Mean over labels, those implied included."""
    ece: float
    """Expected calibration error: of the likeliest class where labels shut each other out, else of every label."""
    answered: float
    """Share of texts with a label at the lowest depth that the labeller stands by."""
    risk: float
    """Share wrong among the labels it stands by; 0 where there are none."""
    hierarchy_violations: int


def train(
    community: Community,
    config: LabellerConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
    taxonomy: Taxonomy | None = None,
    unlabelled: Sequence[str] | None = None,
    verdicts: Sequence[object] | None = None,
    place: Place | None = None,
) -> Labeller:
    """A labeller from a community: its labels table where there is one, else its items that have categories.

    Rows of the split `train` or of none are learned from, rows of the split `dev` teach calibration and thresholds
    where there are any, rows of the split `test` are left alone. Items' and members' texts without labels serve as
    unlabelled texts.

    Args:
        community: with labelled texts, or with items in categories.
        config: what to learn from.
        options: seed, device, progress.
        encoder: the default encoder is loaded where the configuration needs one and none is given.
        taxonomy: the tree, where it holds more than the labels given.
        unlabelled: texts of the same kind without labels; those of the items and events if absent.
        verdicts: of earlier systems; this is the first, and uses none.
        place: where tuning keeps its checkpoints and logs, from which an interrupted one goes on.

    Raises:
        TooLittleDataError: the community has neither labelled texts nor categories.
    """
    config, options = config or LabellerConfig(), options or Options()
    if encoder is None and (config.names or config.meaning or config.tuned):
        from penchant.text.transformer import load_encoder

        encoder = load_encoder(options=options)
    labels = community.labels
    learned = labels.filter((labels["split"] == "train") | labels["split"].is_null())
    tree = taxonomy or _whole_tree(community)
    labelled: LabelledTexts | None
    if len(learned):
        labelled = LabelledTexts.of_community(community, *TRAINING)
    else:
        labelled = None if len(labels) else category_texts(community, config.encoded_texts, options)
    if unlabelled is None:
        unlabelled = unlabelled_texts(community, config.beliefs.most_texts, options)
    validation = LabelledTexts.of_community(community, "dev") if (labels["split"] == "dev").any() else None
    return Labeller(config).fit(
        labelled,
        options,
        encoder=encoder,
        taxonomy=tree,
        unlabelled=unlabelled,
        validation=validation,
        place=place,
    )


def evaluate(labeller: Labeller, community: Community, *, split: str = "test") -> LabellerQuality:
    """How a labeller does on a community's labelled texts of one split.

    Raises:
        TooLittleDataError: there are none.
    """
    if not (community.labels["split"] == split).any():
        raise TooLittleDataError(f"the community has no labelled texts of the split {split!r} to judge by")
    return judge(labeller, LabelledTexts.of_community(community, split))


def judge(labeller: Labeller, labelled: LabelledTexts) -> LabellerQuality:
    """How a labeller does on labelled texts."""
    said, classes = labeller.label(labelled.texts), labeller.classes
    truth = classes.up(classes.targets(labelled)) >= 0.5
    found = evaluate_classes(truth, said.given, classes.taxonomy.labels)
    if classes.exclusive:
        # The class that was given is the deepest label of the answer; its own probability is its confidence.
        own = said.probabilities[:, classes.rows]
        best = own.argmax(1)
        right = truth[np.arange(len(truth)), classes.rows[best]]
        error = calibration(right, np.clip(own.max(1), 0, 1)).ece
    else:
        error = calibration(truth.ravel(), np.clip(said.probabilities.ravel(), 0, 1)).ece
    leaves = classes.taxonomy.leaf_rows
    return LabellerQuality(
        texts=len(labelled),
        accuracy=found.accuracy,
        macro_f1=found.macro_f1,
        ece=error,
        answered=float(said.sure[:, leaves].any(1).mean()),
        risk=float((said.sure & ~truth).sum() / max(1, said.sure.sum())),
        hierarchy_violations=hierarchy_violations(classes.taxonomy.labels, said.probabilities),
    )


def category_texts(community: Community, most: int, options: Options) -> LabelledTexts | None:
    """Items with categories as labelled texts, drawn at random where there are more than wanted; None without any.

    The texts are all that the items say but for their categories, or a labeller would learn to look for these.
    """
    bare = community.items.with_columns(pl.lit(None, dtype=community.items.schema["categories"]).alias("categories"))
    texts = replace(community, items=bare).item_texts
    paths = community.items["categories"].to_list()
    rows = [row for row, given in enumerate(paths) if given and texts[row].strip()]
    if len(rows) > most:
        rows = np.sort(options.rng().permutation(rows)[:most]).tolist()
    return LabelledTexts.of([texts[row] for row in rows], [paths[row] for row in rows]) if rows else None


def unlabelled_texts(community: Community, most: int, options: Options) -> list[str]:
    """Texts of a community that carry no labels, drawn at random where there are more than wanted."""
    written = community.events["text"].drop_nulls().to_list()
    labelled = set(community.labels["text"].drop_nulls().to_list())
    texts = [text for text in dict.fromkeys([*community.item_texts, *written]) if text.strip() and text not in labelled]
    if len(texts) <= most:
        return texts
    return [texts[row] for row in np.sort(options.rng().permutation(len(texts))[:most])]


def _whole_tree(community: Community) -> Taxonomy | None:
    """The tree of the labels given; of the items' categories where no text is labelled."""
    given = community.labels["labels"].explode(empty_as_null=False, keep_nulls=False).drop_nulls().unique().to_list()
    if given:
        return Taxonomy(given)
    categories = community.items["categories"].drop_nulls().explode(empty_as_null=False, keep_nulls=False)
    names = categories.drop_nulls().unique().to_list()
    return Taxonomy(names) if names else None
