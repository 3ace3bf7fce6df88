"""Interests that nobody has labelled: an interest tree from texts alone, and which texts lie under which label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from penchant.data.columns import PATH_SEPARATOR
from penchant.errors import ArtifactError, TooLittleDataError
from penchant.interests.clusters import ClustersConfig, Split, cluster_tree
from penchant.interests.examples import LabelledTexts
from penchant.interests.found import WORDS, Clustered, Found, named_clusters
from penchant.interests.namers import Namer, namer_by
from penchant.interests.naming import NamingConfig
from penchant.interests.taxonomy import Taxonomy
from penchant.text.encoder import Encoder
from penchant.training.options import Options
from penchant.vectors import unit_rows


class DiscoveryConfig(BaseModel):
    """How deep, how many, how named.

    >>> DiscoveryConfig(depths=1, clusters=ClustersConfig(at_top=(5, 5))).clusters.reach
    2.5
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    depths: int = Field(default=2, ge=1, le=4)
    """Levels of the tree, where the texts have as many."""
    most_texts: PositiveInt = 10_000
    """So many distinct texts, drawn at random, are clustered; the others go to the nearest cluster."""
    clusters: ClustersConfig = ClustersConfig()
    naming: NamingConfig = NamingConfig()
    typical: PositiveInt = 5
    """Texts shown for each label, the nearest to its centre."""


@dataclass(frozen=True, eq=False)
class Discovery:
    """An interest tree found in texts. Every text has a label (of the lowest level there is) or none."""

    config: DiscoveryConfig
    encoder: str
    """Name of the encoder that the texts were compared by."""
    taxonomy: Taxonomy
    found: tuple[Found, ...]
    """One for each label, in the order of the taxonomy."""
    texts: tuple[str, ...]
    labels: tuple[str | None, ...]
    """The label of each text; None where it is far from every label, or blank."""
    split: Split
    paths: dict[tuple[int, ...], str]
    """The label of each cluster, by its numbers from the top down."""
    namer: str
    """Who was asked for names."""

    def __getitem__(self, label: str) -> Found:
        """What is known of one label.

        Raises:
            UnknownIdError: there is no such label.
        """
        return self.found[self.taxonomy.row(label)]

    @property
    def blank(self) -> int:
        """Texts with nothing in them, which have no label."""
        return sum(not text.strip() for text in self.texts)

    @property
    def left_out(self) -> float:
        """Share of the texts that are not blank which are far from every label."""
        return (self.labels.count(None) - self.blank) / (len(self.texts) - self.blank)

    @property
    def fell_back(self) -> dict[str, str]:
        """Labels for which the language model gave no name, and why; words stand in for it."""
        return {found.label: found.problem for found in self.found if found.problem is not None}

    def labelled_texts(self) -> LabelledTexts:
        """The texts that have a label, as a labeller learns from them; those left out are left out."""
        held = [(text, label) for text, label in zip(self.texts, self.labels, strict=True) if label is not None]
        return LabelledTexts.of([text for text, _ in held], [label for _, label in held])

    def label(self, texts: Sequence[str], encoder: Encoder) -> list[str | None]:
        """The labels of further texts, by the nearest cluster; None for blank ones and those far from all.

        Raises:
            ArtifactError: the encoder is not the one of the tree.
        """
        if encoder.name != self.encoder:
            raise ArtifactError(
                f"the tree was found with the encoder {self.encoder}; {encoder.name} gives other vectors: pass the "
                "right encoder, or discover again"
            )
        written = [row for row, text in enumerate(texts) if text.strip()]
        labels: list[str | None] = [None] * len(texts)
        if written:
            numbers = self.split.paths(encoder.encode([texts[row].strip() for row in written]), self.config.depths)
            for row, path in zip(written, numbers, strict=True):
                labels[row] = self.paths[_path(path)] if path[0] >= 0 else None
        return labels

    def save(self, folder: Path | str) -> None:
        """Write the tree and its texts; a folder that holds one is replaced.

        Raises:
            StorageError: the folder cannot be written.
        """
        from penchant.interests.discovered import save_discovery

        save_discovery(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> "Discovery":
        """Read back what `save` wrote.

        Raises:
            ArtifactError: the folder is absent, unfinished, damaged, or of another kind.
        """
        from penchant.interests.discovered import load_discovery

        return load_discovery(Path(folder))


def discover(
    texts: Sequence[str],
    encoder: Encoder,
    config: DiscoveryConfig | None = None,
    options: Options | None = None,
    *,
    namer: Namer | None = None,
) -> Discovery:
    """An interest tree from texts: vectors, clusters inside clusters, names in the texts' language.

    Equal texts are clustered once. Texts that fall into no two groups of the least size are one label. A label's
    description holds its words.

    Args:
        texts: such as items' texts or reviews; blank ones get no label.
        encoder: compares them.
        config: how deep, how many, how named.
        options: the seed.
        namer: a language model that gives names; by default whoever `config.naming.by` says: the words that set a label
            apart from its siblings, unless it says otherwise.

    Raises:
        TooLittleDataError: every text is blank.
        ConfigError: an endpoint is to give names, and none is configured.

    >>> class Lengths:
    ...     name, width = "lengths", 2
    ...     def encode(self, texts):
    ...         return unit_rows(np.array([[1, 0] if "tea" in text else [0, 1] for text in texts], dtype=np.float32))
    >>> texts = [f"{kind} number {number}" for kind in ("green tea", "fast car") for number in range(30)]
    >>> tree = discover(texts, Lengths())
    >>> tree.taxonomy.labels, tree.labels[0], tree.left_out
    (('car, fast', 'green, tea'), 'green, tea', 0.0)
    """
    config, options = config or DiscoveryConfig(), options or Options()
    stripped = [text.strip() for text in texts]
    distinct = [text for text in dict.fromkeys(stripped) if text]
    if not distinct:
        raise TooLittleDataError(f"{len(texts)} texts, none with anything in it; interests are found in texts")
    namer = namer or namer_by(config.naming.by, options)
    vectors = encoder.encode(distinct)
    drawn = np.sort(options.rng().permutation(len(distinct))[: config.most_texts])
    split = cluster_tree(vectors[drawn], config.clusters, config.depths, options.seed)
    numbers = split.paths(vectors, config.depths)
    clustered = Clustered([distinct[row] for row in drawn], unit_rows(vectors[drawn] - split.mean), numbers[drawn])
    named = named_clusters(split, clustered, config.naming, config.typical, namer)
    paths = {path: found.label for path, found in named.items()}
    own = [paths[_path(path)] if path[0] >= 0 else None for path in numbers]
    label_of = dict(zip(distinct, own, strict=True))
    labels = tuple(label_of.get(text) for text in stripped)
    sizes = Counter(label for label in labels if label is not None)
    words = {found.label: found.words for found in named.values() if found.words}
    taxonomy = Taxonomy(paths.values(), descriptions={label: " ".join(said) for label, said in words.items()})
    by_label = {found.label: found for found in named.values()}
    return Discovery(
        config=config,
        encoder=encoder.name,
        taxonomy=taxonomy,
        found=tuple(_counted(by_label[label], sizes) for label in taxonomy.labels),
        texts=tuple(texts),
        labels=labels,
        split=split,
        paths=paths,
        namer=WORDS if namer is None else namer.name,
    )


def _path(numbers: np.ndarray) -> tuple[int, ...]:
    """The path of one row of `Split.paths`."""
    return tuple(int(number) for number in numbers if number >= 0)


def _counted(found: Found, sizes: Counter[str]) -> Found:
    below = found.label + PATH_SEPARATOR
    size = sum(count for label, count in sizes.items() if label == found.label or label.startswith(below))
    return replace(found, size=size)
