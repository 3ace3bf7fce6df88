"""Few-shot tuning on pairs: texts of one label together, texts of different labels apart, then logistic regression."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import Sampler

from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.examples import Task
from penchant.text.tuning.network import Batch, Network
from penchant.vectors import Floats


@dataclass(frozen=True)
class PairsObjective:
    """Squared error of the cosine of every two texts of a batch: 1 within a label, 0 across labels.

    The loss is SetFit's (Tunstall et al., 2022); each text is encoded once for all of its pairs, and the pairs within
    labels weigh as much in all as those across.
    """

    config: FinetuneConfig
    tasks: tuple[Task, ...]

    def loss(self, network: Network, batch: Batch) -> Tensor:
        """Mean squared error over the pairs of one batch."""
        unit = functional.normalize(network.vectors(batch["inputs"]), dim=1)
        targets = batch["targets"][self.tasks[0].config.name]
        if targets.shape[1] == 1:
            targets = torch.cat([1 - targets, targets], dim=1)
        return pairs_loss(unit, targets.argmax(1))

    def backward(self, network: Network, batch: Batch, scale: float) -> Tensor:
        """Add the gradient; the loss."""
        loss = self.loss(network, batch)
        (loss * scale).backward()
        return loss.detach()


def pairs_loss(unit: Tensor, labels: Tensor) -> Tensor:
    """Mean squared error of all cosines against 1 within a label and 0 across, both kinds of pairs weighing the same.

    >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> float(pairs_loss(vectors, torch.tensor([0, 0, 1])))
    0.0
    """
    upper = torch.triu_indices(len(labels), len(labels), offset=1)
    cosines = (unit @ unit.T)[upper[0], upper[1]]
    same = labels[upper[0]] == labels[upper[1]]
    errors = (cosines - same.to(cosines.dtype)).square()
    parts = [errors[chosen].mean() for chosen in (same, ~same) if bool(chosen.any())]
    return torch.stack(parts).mean() if parts else errors.sum()


class LabelSampler(Sampler[int]):
    """Rows in an order where a batch holds several texts of each of a few labels, so that both kinds of pairs occur."""

    def __init__(self, labels: Sequence[int], batch_size: int, texts_per_label: int, seed: int) -> None:
        self.labels = np.asarray(labels)
        self.batch_size, self.texts_per_label, self.seed = batch_size, texts_per_label, seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.labels)

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer at the start of each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        groups: list[np.ndarray] = []
        for label in np.unique(self.labels):
            rows = rng.permutation(np.flatnonzero(self.labels == label))
            groups += [rows[at : at + self.texts_per_label] for at in range(0, len(rows), self.texts_per_label)]
        for number in rng.permutation(len(groups)):
            yield from groups[number].tolist()


def fit_logistic_head(network: Network, vectors: Floats, targets: Floats, regularisation: float) -> None:
    """Put a logistic regression over the given vectors into the network's head, in place.

    Args:
        network: its only head is overwritten.
        vectors: (texts, width) unit vectors, as the head of a contrastive model sees them.
        targets: (texts, outputs) the right answers.
        regularisation: inverse strength of the penalty.
    """
    from sklearn.linear_model import LogisticRegression

    head = network.head(network.tasks[0].config.name)
    answers = targets.argmax(1) if targets.shape[1] > 1 else (targets[:, 0] > 0.5).astype(int)
    head.standardise(torch.from_numpy(vectors))
    seen = ((torch.from_numpy(vectors) - head.centre.cpu()) * head.scale.cpu()).numpy()
    # Standardised inputs are about sqrt(width) long: the penalty means the same as over unit vectors with this C.
    fitted = LogisticRegression(C=regularisation / vectors.shape[1], max_iter=1000).fit(seen, answers)
    weights, bias = fitted.coef_, fitted.intercept_
    if targets.shape[1] > 1:
        if len(fitted.classes_) == 2:
            # Of two labels scikit-learn keeps one row; the head has one for each.
            weights, bias = np.vstack([-weights, weights]) / 2, np.hstack([-bias, bias]) / 2
        # A label that the configuration names and no text has is never the answer.
        every = np.zeros((targets.shape[1], vectors.shape[1])), np.full(targets.shape[1], bias.min() - 20.0)
        every[0][fitted.classes_], every[1][fitted.classes_] = weights, bias
        weights, bias = every
    assert isinstance(head.linear, nn.Linear)
    with torch.no_grad():
        head.linear.weight.copy_(torch.from_numpy(weights))
        head.linear.bias.copy_(torch.from_numpy(bias))
