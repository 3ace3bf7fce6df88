"""Labels that a model gives to unlabelled texts where it is sure of them."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from penchant.errors import ConfigError
from penchant.text.tuning.config import PseudoLabelConfig
from penchant.text.tuning.examples import NUMBERS, Example
from penchant.text.tuning.model import TunedModel


def pseudo_labelled(model: TunedModel, texts: Sequence[str], config: PseudoLabelConfig) -> list[Example]:
    """Examples made of the texts that the model is sure of, for each of its tasks that has labels (Lee, 2013).

    For a multi-label task it must be sure of every label of the text, present or absent.

    Raises:
        ConfigError: there are no unlabelled texts, or no task has labels.
    """
    if not texts:
        raise ConfigError("pseudo_labels need unlabelled texts: pass them as `unlabelled`")
    tasks = [task for task in model.tasks if task.config.kind not in NUMBERS]
    if not tasks:
        raise ConfigError("pseudo_labels need a task with labels; this model only gives numbers")
    found = []
    for task in tasks:
        probabilities = model.predict(texts, task.config.name)
        several = task.config.kind == "multi-label"
        # How sure: of the likeliest label, or of the least sure of all.
        sure = np.maximum(probabilities, 1 - probabilities).min(1) if several else probabilities.max(1)
        given: Counter[frozenset[str]] = Counter()
        for row in np.argsort(-sure, kind="stable"):
            if sure[row] < config.threshold:
                break
            if several:
                labels = frozenset(np.array(task.labels)[probabilities[row] > 0.5].tolist())
            else:
                labels = frozenset([task.labels[int(probabilities[row].argmax())]])
            if config.limit_per_label is not None and given[labels] >= config.limit_per_label:
                continue
            given[labels] += 1
            found.append(Example(texts[row], sorted(labels), None, task.config.name, config.weight))
    return found
