"""The steps of the joint mode: what is foreseen, by the network over fresh text states and by the ranking head."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn

from penchant.social.blocks import ITEM, MEMBER
from penchant.social.fitting import NetworkFit
from penchant.social.joint_reader import JointConfig, Reader
from penchant.social.losses import Candidates, softmax_loss
from penchant.training.options import Options
from penchant.vectors import Rows, chunks


def together(
    fit: NetworkFit,
    reader: Reader | None,
    tokens: Sequence[Sequence[int]],
    mean: Tensor,
    config: JointConfig,
    options: Options,
) -> list[float]:
    """Steps in which both learn, or the network alone where there is no reader; the losses.

    Args:
        fit: of the network, as far as it has come.
        reader: the language model.
        tokens: of the items' texts.
        mean: of the texts' states before tuning, which is taken from them.
        config: how they learn.
        options: seed.
    """
    rng = np.random.default_rng(options.seed + 1)
    learned = [value for value in reader.parameters() if value.requires_grad] if reader else []
    optimiser = torch.optim.AdamW(
        [
            {"params": learned, "lr": config.text_learning_rate},
            {"params": [value for value in fit.network.parameters() if value.requires_grad],
             "lr": config.network_learning_rate},
        ],
        weight_decay=fit.config.decay,
    )  # fmt: skip
    active = np.flatnonzero(np.diff(fit.graph.events.indptr))
    losses = []
    for _ in range(config.epochs):
        order = rng.permutation(active)
        for part in chunks(len(order), config.members_at_once):
            fit.network.train()
            if reader is not None:
                reader.train()
            loss = _loss(fit, reader, tokens, mean, np.sort(order[part]), config, rng)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
    return losses


def _loss(
    fit: NetworkFit,
    reader: Reader | None,
    tokens: Sequence[Sequence[int]],
    mean: Tensor,
    members: Rows,
    config: JointConfig,
    rng: np.random.Generator,
) -> Tensor:
    blocks, wanted, shown = fit.step(members, rng)
    candidates = fit.sampler.draw(wanted.indices, rng)
    if reader is None:
        vectors, _ = fit.network(blocks, fit.read)
        return _foreseen(vectors, members, candidates, wanted, shown)
    has = np.flatnonzero(np.diff(wanted.indptr))
    own = np.array([rng.choice(wanted.indices[wanted.indptr[row] : wanted.indptr[row + 1]]) for row in has])
    others = rng.choice(candidates.items, (len(has), config.alternatives))
    asked = np.concatenate([own[:, None], others], axis=1)
    rows, place = np.unique(asked, return_inverse=True)
    states = reader.states([tokens[row] for row in rows])
    fresh = nn.functional.normalize(states - mean, dim=1)
    texts = {**fit.read, ITEM: fit.read[ITEM].index_copy(0, torch.from_numpy(rows), fresh)}
    vectors, _ = fit.network(blocks, texts)
    loss = _foreseen(vectors, members, candidates, wanted, shown)
    # What was read just now is what later steps see of these items, until they are read again.
    fit.read[ITEM] = texts[ITEM].detach()
    if not config.head_weight:
        return loss
    asking = vectors[MEMBER][torch.from_numpy(members[has])].repeat_interleave(asked.shape[1], dim=0)
    words = [tokens[rows[number]] for number in place.reshape(-1)]
    said = reader.fit_of(asking, words).reshape(asked.shape)
    return loss + config.head_weight * nn.functional.cross_entropy(said, torch.zeros(len(has), dtype=torch.long))


def _foreseen(
    vectors: dict[str, Tensor], members: Rows, candidates: Candidates, wanted: sp.csr_matrix, shown: sp.csr_matrix
) -> Tensor:
    own, items = vectors[MEMBER][torch.from_numpy(members)], vectors[ITEM][torch.from_numpy(candidates.items)]
    return softmax_loss(own, items, candidates, wanted, shown)
