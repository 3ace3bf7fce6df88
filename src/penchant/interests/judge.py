"""From opinions to answers: blend, calibrate, decide, and know when to be unsure; learned on held-out texts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from penchant.interests.blend import Blend, fit_blend
from penchant.interests.calibration import Calibration, Kind, fit_calibration
from penchant.interests.classes import Classes
from penchant.interests.label_shift import shares_among
from penchant.interests.selective import SelectiveRule, fit_selective
from penchant.interests.thresholds import pick_thresholds
from penchant.vectors import Floats


@dataclass(frozen=True, eq=False)
class Judge:
    """Answers from opinions."""

    classes: Classes
    blend: Blend
    calibration: Calibration
    thresholds: Floats
    """(labels,) from which probability on a label is given, where labels do not shut each other out."""
    rules: tuple[SelectiveRule, ...]
    """When to be sure of labels at each depth, the top first."""

    @classmethod
    def untaught(cls, classes: Classes, weights: Mapping[str, float], risk: float) -> "Judge":
        """Before any held-out text: the weights as believed, nothing calibrated, and sure of nothing."""
        return cls(
            classes,
            Blend(dict(weights), classes.exclusive),
            Calibration("none", classes.exclusive),
            np.full(len(classes.taxonomy), 0.5, dtype=np.float32),
            (SelectiveRule(None, risk, 1.0, 0.0),) * int(classes.taxonomy.depths.max()),
        )

    @classmethod
    def taught(
        cls,
        classes: Classes,
        opinions: Mapping[str, Floats],
        targets: Floats,
        prior: Mapping[str, float],
        *,
        kind: Kind | Literal["auto"],
        risk: float,
        certainty: float,
        seed: int,
    ) -> "Judge":
        """Learn on texts that no source had seen.

        Args:
            classes: what is told apart.
            opinions: by source, (texts, classes) logits.
            targets: (texts, classes) the right answers.
            prior: by source, the weight to believe in before any evidence.
            kind: of calibration.
            risk: share of wrong labels allowed among the sure ones.
            certainty: chance with which that is to hold.
            seed: of what is drawn.
        """
        blend = fit_blend(opinions, targets, prior, exclusive=classes.exclusive)
        logits = blend.logits(opinions)
        calibration = fit_calibration(logits, targets, exclusive=classes.exclusive, kind=kind, seed=seed)
        said = classes.up(calibration.probabilities(logits))
        # A text that was labelled both ways counts as having a label that half of its answers gave.
        truth = classes.up(targets) >= 0.5
        thresholds = np.full(len(classes.taxonomy), 0.5, dtype=np.float32)
        if not classes.exclusive:
            thresholds = pick_thresholds(said, truth, classes.taxonomy)
        untold = cls(classes, blend, calibration, thresholds, ())
        _, given = untold.decided(opinions)
        rules = []
        for depth in range(1, int(classes.taxonomy.depths.max()) + 1):
            columns = np.flatnonzero(classes.taxonomy.depths == depth)
            decided = given[:, columns]
            stated, right = said[:, columns][decided], truth[:, columns][decided]
            rules.append(fit_selective(stated, right, risk=risk, certainty=certainty))
        return cls(classes, blend, calibration, thresholds, tuple(rules))

    def shifted(self, opinions: Mapping[str, Floats], targets: Floats) -> tuple["Judge", Floats]:
        """The same for texts with labels in other shares, and (classes,) these shares.

        Args:
            opinions: by source, (texts, classes) logits of unlabelled texts; classes shut each other out.
            targets: (texts, classes) the answers that it was taught on.
        """
        # One text more of each class, so that none is thought impossible.
        believed = (targets.sum(0) + 1) / (len(targets) + len(self.classes))
        shares = shares_among(self.calibration.probabilities(self.blend.logits(opinions)), believed)
        bias = np.asarray(self.blend.bias or 0.0) + self.calibration.temperature * np.log(shares / believed)
        return replace(self, blend=replace(self.blend, bias=tuple(map(float, bias)))), shares

    def decided(self, opinions: Mapping[str, Floats]) -> tuple[Floats, NDArray[np.bool_]]:
        """(texts, labels) probabilities, and the labels given."""
        said = self.calibration.probabilities(self.blend.logits(opinions))
        full = self.classes.up(said)
        if self.classes.exclusive:
            return full, self.classes.best(said)
        return full, self.classes.taxonomy.consistent(full >= self.thresholds)

    def sure(self, probabilities: Floats, given: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(texts, labels) those of the given labels that keep to the risk at their depth, and what they imply."""
        sure = np.zeros_like(given)
        for depth, rule in enumerate(self.rules, start=1):
            columns = np.flatnonzero(self.classes.taxonomy.depths == depth)
            sure[:, columns] = given[:, columns] & rule.sure(probabilities[:, columns])
        # Whoever is right about a label is right about what it implies.
        return self.classes.taxonomy.consistent(sure)
