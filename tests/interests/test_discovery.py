"""An interest tree from texts alone: planted topics are found, named in their language, and noise is left out."""

import gzip
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from planted_topics import FILLER, TOPICS, TopicEncoder, noise, planted_topics

from penchant.artifacts import MANIFEST
from penchant.errors import ArtifactError, ConfigError, TooLittleDataError, UnknownIdError
from penchant.evaluation.clustering import agreement
from penchant.interests.clusters import ClustersConfig, cluster_tree
from penchant.interests.discovery import Discovery, DiscoveryConfig, discover
from penchant.interests.labeller import Labeller, LabellerConfig
from penchant.interests.naming import NamingConfig
from penchant.text.transformer import load_encoder
from penchant.text.words import STOP_WORDS
from penchant.training.options import Options
from penchant.vectors import unit_rows

TEXTS, PLANTED = planted_topics(40)


@pytest.fixture(scope="module")
def tree() -> Discovery:
    return discover(TEXTS, TopicEncoder())


def top(labels: list[str | None] | tuple[str | None, ...]) -> list[str]:
    return [str(label).split(" > ")[0] for label in labels]


def test_planted_topics_and_their_parts_are_found(tree: Discovery) -> None:
    assert agreement(top(PLANTED), top(tree.labels)).ari > 0.95
    assert agreement(PLANTED, [str(label) for label in tree.labels]).ari > 0.95
    # The bar tells: any grouping of chance is far below it, the planted one above.
    chance = np.random.default_rng(0).integers(len(tree.taxonomy.leaves), size=len(TEXTS))
    assert agreement(PLANTED, chance).ari < 0.05
    assert agreement(PLANTED, PLANTED).ari == 1


def test_two_depths_nest(tree: Discovery) -> None:
    assert len(tree.taxonomy) == 12
    assert set(tree.taxonomy.depths.tolist()) == {1, 2}
    for label in tree.taxonomy.leaves:
        assert label.count(" > ") == 1
    sizes = {found.label: found.size for found in tree.found}
    for label in set(top(tree.taxonomy.labels)):
        assert sizes[label] == sum(size for below, size in sizes.items() if below.startswith(f"{label} > "))
    held = sum(label is not None for label in tree.labels)
    assert sum(sizes[label] for label in set(top(tree.taxonomy.labels))) == held


def test_names_hold_the_planted_words_in_their_language(tree: Discovery) -> None:
    for planted in set(PLANTED):
        own = [label for label, of in zip(tree.labels, PLANTED, strict=True) if of == planted]
        label = Counter(label for label in own if label is not None).most_common(1)[0][0]
        above, name = label.split(" > ")
        topic, part = planted.split(" > ")
        separator = "、" if tree[label].language == "zh" else ", "
        assert tree[label].language == ("zh" if "酒店" in topic or "水果" in topic else "en")
        assert all(any(word in told for told in topic.split()) for word in above.split(separator)), above
        assert all(any(word in told for told in part.split()) for word in name.split(separator)), name
        assert len(name.split(separator)) == 2
    names = [label.split(" > ")[-1] for label in tree.taxonomy.labels]
    assert len(set(names)) == len(names)
    assert not any("/" in name or ">" in name for name in names)
    assert not set(" ".join(names).replace(",", " ").replace("、", " ").split()) & STOP_WORDS


def test_typical_texts_are_the_nearest_and_cohesion_tells_how_near(tree: Discovery) -> None:
    vectors = TopicEncoder().encode(TEXTS)
    for found in tree.found:
        rows = [
            row for row, label in enumerate(tree.labels) if label and (label + " > ").startswith(found.label + " > ")
        ]
        own = unit_rows(vectors[rows] - vectors.mean(0))
        cosines = own @ unit_rows(own.mean(0, keepdims=True))[0]
        assert found.cohesion == pytest.approx(float(cosines.mean()), abs=1e-5)
        assert found.typical[0] == TEXTS[rows[int(cosines.argmax())]]
        assert len(found.typical) == 5


def test_noise_is_left_out_and_its_share_told() -> None:
    texts = [*TEXTS, *noise(40)]
    tree = discover(texts, TopicEncoder())
    out = np.array([label is None for label in tree.labels])
    assert out[len(TEXTS) :].mean() > 0.95
    assert out[: len(TEXTS)].mean() < 0.06
    assert tree.left_out == pytest.approx(out.mean())
    assert agreement(top(PLANTED), top(tree.labels[: len(TEXTS)])).ari > 0.9
    assert not any(text in tree.labelled_texts().texts for text in noise(40)[:38])


def test_equal_texts_share_a_label_and_all_count(tree: Discovery) -> None:
    again = discover([*TEXTS, *TEXTS[:50], "  ", ""], TopicEncoder())
    assert again.taxonomy == tree.taxonomy
    assert again.labels == (*tree.labels, *tree.labels[:50], None, None)
    assert (again.blank, tree.blank) == (2, 0)
    counted = sum(label is not None for label in again.labels)
    assert sum(again[label].size for label in set(top(again.taxonomy.labels))) == counted


def test_one_topic_or_one_text_is_one_label() -> None:
    same = discover(["好锅 好锅 铸铁锅"] * 200, TopicEncoder())
    assert (len(same.taxonomy), same.left_out, same.found[0].size) == (1, 0.0, 200)
    few = discover(TEXTS[:12], TopicEncoder())
    assert (len(few.taxonomy), few.found[0].size) == (1, 12)
    wordless = discover(["🙂🙂", "……", "！"], TopicEncoder())
    assert wordless.taxonomy.labels == ("unnamed",)
    with pytest.raises(TooLittleDataError, match="2 texts, none with anything in it"):
        discover(["", " \n"], TopicEncoder())


@pytest.mark.parametrize("seed", range(5))
def test_a_cloud_without_groups_is_not_split_and_two_groups_are(seed: int) -> None:
    rng = np.random.default_rng(seed)
    cloud = rng.normal(size=(400, 24)).astype(np.float32) * np.linspace(2, 0.5, 24, dtype=np.float32)
    assert len(cluster_tree(unit_rows(cloud), ClustersConfig(), 1, seed).centres) == 1
    cloud[:200, 0] += 8
    split = cluster_tree(unit_rows(cloud), ClustersConfig(), 1, seed)
    assert len(split.centres) == 2
    assert split.silhouette > split.reference


@pytest.mark.parametrize("count", [3, 5, 7, 9, 12])
def test_the_number_of_clusters_is_the_number_planted(count: int) -> None:
    rng = np.random.default_rng(count)
    centres = rng.normal(size=(count, 32))
    truth = np.repeat(np.arange(count), 60)
    vectors = unit_rows((centres[truth] + 0.4 * rng.normal(size=(len(truth), 32))).astype(np.float32))
    split = cluster_tree(vectors, ClustersConfig(reach=5), 1, 0)
    assert len(split.centres) == count
    paths = split.paths(vectors, 1)[:, 0]
    assert agreement(truth, paths).ari > 0.95


def test_the_same_seed_gives_the_same_tree_and_another_draws_other_texts(tree: Discovery) -> None:
    again = discover(TEXTS, TopicEncoder())
    assert (again.found, again.labels) == (tree.found, tree.labels)
    config = DiscoveryConfig(most_texts=200)
    one, same, other = (discover(TEXTS, TopicEncoder(), config, Options(seed=seed)) for seed in (1, 1, 2))
    assert one.found == same.found
    assert one.found != other.found


def test_texts_that_were_not_clustered_go_to_the_nearest_label() -> None:
    tree = discover(TEXTS, TopicEncoder(), DiscoveryConfig(most_texts=200))
    assert agreement(top(PLANTED), top(tree.labels)).ari > 0.9
    fresh, planted = planted_topics(10, seed=5)
    labels = tree.label([*fresh, *noise(20, seed=3), " "], TopicEncoder())
    assert agreement(top(planted), top(labels[: len(fresh)])).ari > 0.85
    assert labels[-21:].count(None) >= 20
    assert tree.label(TEXTS, TopicEncoder()) == list(tree.labels)
    other = TopicEncoder()
    other.name = "others"
    with pytest.raises(ArtifactError, match="found with the encoder topics; others gives other vectors"):
        tree.label(["x"], other)
    with pytest.raises(UnknownIdError):
        tree["no such label"]


def names_of(tree: Discovery) -> object:
    return tree.taxonomy.labels


def shown(tree: Discovery) -> object:
    return [(found.words, found.typical) for found in tree.found]


@pytest.mark.parametrize(
    ("config", "outcome"),
    [
        (DiscoveryConfig(depths=1), names_of),
        (DiscoveryConfig(most_texts=150), shown),
        (DiscoveryConfig(typical=2), shown),
        (DiscoveryConfig(clusters=ClustersConfig(at_top=(2, 3))), names_of),
        (DiscoveryConfig(clusters=ClustersConfig(below=(3, 3))), names_of),
        (DiscoveryConfig(clusters=ClustersConfig(least_size=60)), names_of),
        (DiscoveryConfig(clusters=ClustersConfig(least_gain=0.5)), names_of),
        (DiscoveryConfig(clusters=ClustersConfig(dimensions=2)), names_of),
        (DiscoveryConfig(clusters=ClustersConfig(reach=1)), lambda tree: tree.left_out),
        (DiscoveryConfig(clusters=ClustersConfig(most_left_out=0)), lambda tree: tree.left_out),
        (DiscoveryConfig(naming=NamingConfig(words=3)), names_of),
        (DiscoveryConfig(naming=NamingConfig(keywords=4)), shown),
        (DiscoveryConfig(naming=NamingConfig(least_share=0.6)), shown),
        (DiscoveryConfig(naming=NamingConfig(least_lift=100)), shown),
    ],
)
def test_every_option_changes_what_is_found(config: DiscoveryConfig, outcome, tree: Discovery) -> None:
    assert outcome(discover(TEXTS, TopicEncoder(), config)) != outcome(tree)


def test_bounds_out_of_order_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"at_top is \(5, 3\); give two numbers"):
        ClustersConfig(at_top=(5, 3))
    with pytest.raises(ConfigError, match=r"below is \(1, 3\)"):
        ClustersConfig(below=(1, 3))


def test_at_most_the_share_allowed_is_left_out() -> None:
    config = DiscoveryConfig(clusters=ClustersConfig(most_left_out=0.03))
    assert 0 < discover([*TEXTS, *noise(40)], TopicEncoder(), config).left_out <= 0.035


def test_a_labeller_learns_from_the_tree(tree: Discovery) -> None:
    labelled = tree.labelled_texts()
    assert len(labelled) == sum(label is not None for label in tree.labels)
    labeller = Labeller(LabellerConfig(names=False)).fit(labelled, encoder=TopicEncoder(), taxonomy=tree.taxonomy)
    fresh, planted = planted_topics(10, seed=7)
    said = labeller.label(fresh)
    assert agreement(planted, [" ".join(said.labels(row)) for row in range(len(fresh))]).ari > 0.8


def test_a_loaded_tree_is_the_saved_one(tree: Discovery, tmp_path: Path) -> None:
    tree.save(tmp_path / "tree")
    again = Discovery.load(tmp_path / "tree")
    for field in ("config", "encoder", "taxonomy", "found", "texts", "labels", "paths", "namer"):
        assert getattr(again, field) == getattr(tree, field), field
    fresh = [*planted_topics(20, seed=3)[0], *noise(10, seed=4), ""]
    assert again.label(fresh, TopicEncoder()) == tree.label(fresh, TopicEncoder())
    assert again.labelled_texts() == tree.labelled_texts()
    for (_, one), (_, other) in zip(again.split.nodes(), tree.split.nodes(), strict=True):
        assert (one.least, one.silhouette, one.reference) == (other.least, other.silhouette, other.reference)
    (tmp_path / "tree" / MANIFEST).unlink()
    with pytest.raises(ArtifactError, match="no finished model"):
        Discovery.load(tmp_path / "tree")


def test_broken_surrogates_and_long_texts_do_no_harm(tmp_path: Path) -> None:
    odd = ["\ud83d 水果 果园", "苹果 " * 20_000]
    tree = discover([*TEXTS, *odd], TopicEncoder())
    tree.save(tmp_path / "tree")
    assert Discovery.load(tmp_path / "tree").labels == tree.labels


def test_filler_that_every_topic_has_names_none(tree: Discovery) -> None:
    assert not any(word in FILLER for label in tree.taxonomy.labels for word in label.replace("、", " ").split())
    assert len(TOPICS) == len(set(top(tree.taxonomy.labels)))


@pytest.mark.data
def test_real_reviews_fall_into_their_categories(public_data: Path) -> None:
    with gzip.open(public_data / "reviews-zh" / "online_shopping_10_cats.csv.gz") as stream:
        rows = pl.read_csv(stream.read()).drop_nulls().unique("review", maintain_order=True)
    rows = rows.sample(300, seed=3)
    encoder = load_encoder(options=Options(threads=1, progress=False), max_tokens=48)
    config = DiscoveryConfig(depths=1, clusters=ClustersConfig(least_size=10))
    tree = discover(rows["review"].to_list(), encoder, config)
    found = agreement(rows["cat"].to_list(), [str(label) for label in tree.labels])
    assert found.ari > 0.2
    assert found.nmi > 0.35
    assert all(each.language == "zh" for each in tree.found)
