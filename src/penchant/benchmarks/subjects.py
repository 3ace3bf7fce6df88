"""Subjects found in texts without labels, against the labels they were given after all: `discovery` of `interests`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from penchant.benchmarks.fewshot import kept_encoder
from penchant.benchmarks.labelled import PathTexts
from penchant.benchmarks.result import WITHOUT_LANGUAGE_MODEL, BenchResult, Cell, data_name, figures
from penchant.data.columns import PATH_SEPARATOR
from penchant.evaluation.clustering import agreement
from penchant.evaluation.cost import measured
from penchant.interests.discovery import Discovery, DiscoveryConfig, discover
from penchant.text.encoder import Encoder
from penchant.training.options import Options

TEXTS: Final = 2_000
MAX_TOKENS: Final = 64
VECTORS: Final = "k-means on vectors, as many clusters"
TOLD: Final = "k-means on TF-IDF, told how many labels there are"

Groups = NDArray[np.int64]


def discovery(
    data: str,
    *,
    seeds: Sequence[int] | None = None,
    encoder: Encoder | None = None,
    config: DiscoveryConfig | None = None,
) -> BenchResult:
    """Find a tree in texts without their labels, and compare its top with the top labels they were given.

    `nmi` is normalised mutual information, `ari` the adjusted Rand index and `purity` the share of texts in the label
    that is most common in their subject; texts left out count as a group of their own, and in `purity` as wrong.
    `nmi_below` is of the lowest subjects against the whole paths of the labels.

    Baselines: k-means on TF-IDF of character n-grams with as many clusters as were found at the top (no language
    model), the same told the true number of labels, and k-means on the same vectors.

    Args:
        data: with labelled texts.
        seeds: of the texts drawn and of the clusters; 0, 1, 2 if None.
        encoder: of the texts; the usual one if None.
        config: how deep, how many, how named.

    Raises:
        TooLittleDataError: there are too few labelled texts.
    """
    chosen = list(range(3) if seeds is None else seeds)
    metrics: dict[str, list[dict[str, float]]] = {}
    with measured() as cost:
        found = PathTexts.of(data)
        encoder = encoder or kept_encoder(MAX_TOKENS)
        for seed in chosen:
            rows = np.random.default_rng(seed).permutation(len(found.texts))[:TEXTS]
            texts = [found.texts[row] for row in rows]
            tops, paths = _numbers(found.tops[rows]), _numbers(_pairs(found, rows))
            tree = discover(texts, encoder, config, Options(seed=seed))
            top = np.where(_tops(tree) == "", -1, _numbers(_tops(tree)))
            below = _numbers(np.array([label or "" for label in tree.labels]))
            own = _judged(top, tops) | {
                "nmi_below": agreement(below, paths).nmi,
                "left_out": tree.left_out,
                "subjects": float(len(set(top.tolist()) - {-1})),
                "subjects_below": float(len(tree.taxonomy.leaves)),
            }
            metrics.setdefault("ours", []).append(own)
            spelled, count = _spelled(texts), max(2, len(set(top.tolist()) - {-1}))
            for name, vectors, clusters in (
                (WITHOUT_LANGUAGE_MODEL, spelled, count),
                (TOLD, spelled, len(np.unique(tops))),
                (VECTORS, encoder.encode(texts), count),
            ):
                metrics.setdefault(name, []).append(_judged(_k_means(vectors, clusters, seed), tops))
    summed = {name: figures(rows_of) for name, rows_of in metrics.items()}
    return BenchResult(
        name="interests",
        data=data_name(data),
        protocol="discovery",
        metrics=summed.pop("ours"),
        baselines=summed,
        seconds=cost.seconds,
        peak_rss_mb=cost.peak_rss_mb,
        seeds=chosen,
        tables={"subjects at the top, last seed": _named(tree, found.tops[rows], top)},
    )


def _tops(tree: Discovery) -> NDArray[np.str_]:
    """The subject of each text at the top; an empty one where it was left out."""
    return np.array([(label or "").split(PATH_SEPARATOR)[0] for label in tree.labels])


def _pairs(found: PathTexts, rows: Groups) -> NDArray[np.str_]:
    return np.array([f"{found.tops[row]}{PATH_SEPARATOR}{found.lows[row]}" for row in rows])


def _numbers(names: NDArray[np.str_]) -> Groups:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _judged(groups: Groups, truth: Groups) -> dict[str, float]:
    said = agreement(groups, truth)
    return {"nmi": said.nmi, "ari": said.ari, "purity": purity(groups, truth)}


def purity(groups: Groups, truth: Groups) -> float:
    """Share of the rows whose true group is the most common one in theirs; a row in no group (-1) is not.

    >>> purity(np.array([0, 0, 0, 1, -1]), np.array([2, 2, 3, 3, 3]))
    0.6
    """
    common = [np.bincount(truth[groups == group]).max() for group in np.unique(groups) if group >= 0]
    return float(sum(common) / len(truth))


def _spelled(texts: Sequence[str]) -> NDArray[np.float32]:
    """TF-IDF of character pairs and triples, as its hundred strongest components: what k-means can tell apart."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    counts = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, min_df=2).fit_transform(texts)
    components = min(100, min(counts.shape) - 1)
    return normalize(TruncatedSVD(components, random_state=0).fit_transform(counts)).astype(np.float32)


def _k_means(vectors: NDArray[np.float32], count: int, seed: int) -> Groups:
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=5, random_state=seed).fit(vectors).labels_.astype(np.int64)


def _named(tree: Discovery, labels: NDArray[np.str_], top: Groups) -> list[dict[str, Cell]]:
    """Each subject at the top with its commonest label and how common that is."""
    names = _tops(tree)
    table: list[dict[str, Cell]] = []
    for name in dict.fromkeys(names[top >= 0].tolist()):
        inside = labels[names == name]
        kinds, sizes = np.unique(inside, return_counts=True)
        best = int(sizes.argmax())
        row: dict[str, Cell] = {"subject": name, "texts": len(inside), "commonest label": str(kinds[best])}
        table.append({**row, "share": round(float(sizes[best] / len(inside)), 3)})
    return table
