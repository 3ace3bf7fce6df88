"""One course of learning: sources fitted on labelled texts, then on unlabelled ones, and tried on texts held out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from penchant.interests.beliefs import believed
from penchant.interests.blend import Blend
from penchant.interests.classes import Classes
from penchant.interests.rows import TextReader, TextRows
from penchant.interests.sources import Source, SourcesConfig, fit_sources, fit_tuned, opinions, transformer_of
from penchant.text.tuning.place import Place
from penchant.training.options import Options
from penchant.vectors import Floats

if TYPE_CHECKING:
    from penchant.interests.labeller import LabellerConfig


@dataclass(frozen=True, eq=False)
class Course:
    """What a labeller's sources learn from, and how."""

    config: "LabellerConfig"
    sources: SourcesConfig
    """The configuration's, as far as there are texts enough."""
    classes: Classes
    reader: TextReader
    names: Floats | None
    """(classes, width) vectors of the classes' names."""
    name_words: sp.csr_matrix | None
    """(classes, n-grams) of the names."""
    options: Options
    place: Place
    """Where a tuned model keeps its checkpoints; each of the runs has a folder of its own there."""

    def fitted(
        self, rows: TextRows, targets: Floats, spare: TextRows, part: str = "whole"
    ) -> tuple[dict[str, Source], int]:
        """Sources fitted on labelled texts, then on what they make of unlabelled ones; how many of these were used.

        A tuned model keeps to labelled texts, since tuning again would cost most of the time and gain least; so do
        vectors drawn to their neighbours, which have learned from unlabelled texts already. The name of the part tells
        this run's checkpoints from those of others.
        """
        beliefs, exclusive = self.config.beliefs, self.classes.exclusive
        weights = np.ones(len(rows), dtype=np.float32)
        all_rows, all_targets, all_weights, count = rows, targets, weights, 0
        sources = self._sources(all_rows, all_targets, all_weights, part)
        for turn in range(beliefs.rounds if len(spare) else 0):
            quick = {name: source for name, source in sources.items() if name != "tuned"}
            if not quick:
                break
            said = Blend(self.prior(quick), exclusive).probabilities(opinions(quick, spare))
            chosen, believed_targets, shares = believed(said, beliefs, turn=turn, exclusive=exclusive)
            count = len(chosen)
            if not count:
                break
            all_rows = rows.beside(spare.take(chosen))
            all_targets = np.vstack([targets, believed_targets])
            all_weights = np.concatenate([weights, shares])
            kept = {"tuned"} if self.reader.crowd is None else {"tuned", "meaning", "nearest"}
            again = self._quick_sources(all_rows, all_targets, all_weights)
            sources = {name: source if name in kept else again[name] for name, source in sources.items()}
        return sources, count

    def held_out(self, rows: TextRows, targets: Floats, spare: TextRows) -> tuple[dict[str, Floats], Floats]:
        """Opinions on labelled texts by sources that had not seen them, and the answers."""
        many = len(rows) > self.config.one_fold_from
        count = max(self.config.folds, 10) if many else self.config.folds
        if len(rows) < 2 * count:
            return {}, targets[:0]
        fold = stratified_folds(targets, count, self.options.rng())
        parts: list[dict[str, Floats]] = []
        answers: list[Floats] = []
        for number in range(1 if many or self.config.tuned else count):
            out, kept = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            if rows.vectors is not None:
                out = np.intersect1d(out, rows.encoded)
            if not len(out):
                continue
            sources, _ = self.fitted(rows.take(kept), targets[kept], spare, f"without-part-{number}")
            parts.append(opinions(sources, rows.take(out)))
            answers.append(targets[out])
        if not parts:
            return {}, targets[:0]
        shared = set.intersection(*(set(part) for part in parts))
        return {name: np.vstack([part[name] for part in parts]) for name in parts[0] if name in shared}, np.vstack(
            answers
        )

    def prior(self, sources: Mapping[str, Source]) -> dict[str, float]:
        """How much each of the sources counts before any held-out text has spoken."""
        return {name: weight for name, weight in self.config.prior.items() if name in sources}

    def _sources(self, rows: TextRows, targets: Floats, weights: Floats, part: str) -> dict[str, Source]:
        sources = self._quick_sources(rows, targets, weights)
        if self.config.tuned and np.count_nonzero(targets.max(0, initial=0)) > 1:
            chosen = self.options.rng().permutation(len(rows))[: max(1, self.config.encoded_texts // 2)]
            sources["tuned"] = fit_tuned(
                [rows.texts[row] for row in chosen],
                targets[chosen],
                weights[chosen],
                exclusive=self.classes.exclusive,
                config=self.config.tuned,
                encoder=transformer_of(self.reader.encoder),
                options=self.options,
                place=self.place.below(part),
            )
        return sources

    def _quick_sources(self, rows: TextRows, targets: Floats, weights: Floats) -> dict[str, Source]:
        learned = rows if self.config.meaning else TextRows(rows.texts, None, rows.words)
        return fit_sources(
            learned,
            targets,
            weights,
            exclusive=self.classes.exclusive,
            config=self.sources,
            names=self.names,
            name_words=self.name_words,
        )


def stratified_folds(targets: Floats, folds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(texts,) a fold for each text, the texts of a class dealt out evenly.

    >>> stratified_folds(np.eye(2, dtype=np.float32)[[0, 0, 1, 1]], 2, np.random.default_rng(0)).tolist()
    [0, 1, 0, 1]
    """
    order = rng.permutation(len(targets))
    order = order[np.argsort(targets.argmax(1)[order], kind="stable")]
    fold = np.empty(len(targets), dtype=np.int64)
    fold[order] = np.arange(len(targets)) % folds
    return fold
