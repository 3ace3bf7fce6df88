"""Heads that begin where a linear probe ends: fitted on the model's vectors as they are, before the model moves.

A head that begins at chance drags the encoder about until it has learned something; with few texts the encoder has then
forgotten more than it learned (linear probing, then fine-tuning: Kumar et al., 2022).
"""

from typing import Final

import torch
from torch import Tensor

from penchant.text.tuning.batches import Collator, Rows
from penchant.text.tuning.config import FinetuneConfig
from penchant.text.tuning.evaluating import in_order_of_length
from penchant.text.tuning.network import Network
from penchant.text.tuning.objective import answers_loss
from penchant.text.tuning.seeding import seeded

EPOCHS: Final = 40
RATE: Final = 1e-2
_STEPS: Final = 50
"""Most steps of an epoch: batches grow with the texts, so that a probe of many texts takes seconds too."""


def probe(network: Network, rows: Rows, collator: Collator, config: FinetuneConfig, device: torch.device) -> None:
    """Fit every head on what it sees of the rows now, in place; the body does not move.

    Args:
        network: whose heads are fitted, and standardised to what they see.
        rows: tokenised training texts.
        collator: makes batches of the rows.
        config: the weight decay of the heads.
        device: where the network is.
    """
    was_training = network.training
    network.eval()
    seen = _seen(network, rows, collator, device)
    network.train(was_training)
    for task in network.tasks:
        name = task.config.name
        head = network.head(name)
        if name not in seen or task.config.kind == "similarity":
            continue
        features, targets, weights = seen[name]
        head.standardise(features)
        head.train()
        size = max(config.batch_size, -(-len(features) // _STEPS))
        optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=config.weight_decay)
        steps = EPOCHS * -(-len(features) // size)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-3, total_iters=steps)
        with seeded(0):
            for _ in range(EPOCHS):
                for chosen in torch.randperm(len(features)).to(device).split(size):
                    batch = {
                        "weights": weights[chosen],
                        "rows": {name: torch.arange(len(chosen), device=device)},
                        "targets": {name: targets[chosen]},
                    }
                    loss = answers_loss([task], {name: head(features[chosen])}, batch)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    schedule.step()
        head.zero_grad(set_to_none=True)


@torch.no_grad()
def _seen(
    network: Network, rows: Rows, collator: Collator, device: torch.device
) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """What each head sees of its rows, the answers and the weights."""
    found: dict[str, list[tuple[Tensor, Tensor, Tensor]]] = {}
    for batch in in_order_of_length(rows, collator, device):
        for name, features in network.features(batch).items():
            own = batch["weights"][batch["rows"][name]]
            found.setdefault(name, []).append((features.float(), batch["targets"][name], own))
    return {name: tuple(map(torch.cat, zip(*parts, strict=True))) for name, parts in found.items()}  # type: ignore[misc]
