"""How the sequence scorer learns: windows of histories, the next event among all items or a sample of them."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from penchant.collaborative.sequence_network import Body, body_of
from penchant.collaborative.sequence_windows import Padded, shuffled_within_moments, training_windows
from penchant.data.interactions import Histories
from penchant.training.options import Options
from penchant.training.precision import choose_device, torch_threads
from penchant.vectors import Floats, Rows

if TYPE_CHECKING:
    from penchant.collaborative.sequence import SequenceConfig

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Learned:
    """What training ends with."""

    body: Body
    """In double precision, on the processor, no longer training."""
    items: Floats
    """(items, width) vectors, zeros where neither events nor texts tell anything."""
    losses: tuple[float, ...]
    """Mean loss of each pass."""


class ItemVectors(nn.Module):
    """The vector of each item: one of its own where it has events, and what its text says, through a learned map.

    The map starts from the principal directions of the texts. For a share of the items of each step the own vector is
    left out, so that the text learns to stand alone, as it must for items without events (after Volkovs, Yu and
    Poutanen, DropoutNet, NIPS 2017).
    """

    known: Tensor
    texts: Tensor | None

    def __init__(self, known: NDArray[np.bool_], width: int, texts: Floats | None) -> None:
        super().__init__()
        self.own = nn.Parameter(torch.randn(len(known), width) * 0.02)
        self.register_buffer("known", torch.from_numpy(known)[:, None])
        self.register_buffer("texts", None if texts is None else torch.from_numpy(texts))
        if texts is not None:
            self.map = nn.Linear(texts.shape[1], width, bias=False)
            with torch.no_grad():
                self.map.weight.copy_(_directions(torch.from_numpy(texts), width))

    def forward(self, left_out: float = 0.0) -> Tensor:
        """(items, width)"""
        kept = self.known
        if self.texts is None:
            return self.own * kept
        if left_out:
            kept = kept & (torch.rand(kept.shape, device=kept.device) >= left_out)
        return self.own * kept + self.map(self.texts)


def learn(batch: Histories, counts: Rows, texts: Floats | None, config: "SequenceConfig", options: Options) -> Learned:
    """Train on histories of positive events.

    Args:
        batch: the histories.
        counts: (items,) events of each item.
        texts: (items, any width) centred vectors of the items' texts.
        config: what to learn.
        options: how to run.
    """
    device = choose_device(options)
    rng = options.rng()
    # Dropout draws from the generators of the process, which are left as they were.
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), torch_threads(options.threads):
        torch.manual_seed(options.seed)
        body = body_of(config).to(device)
        vectors = ItemVectors(counts > 0, config.width, texts).to(device)
        prior = torch.from_numpy(np.log1p(counts).astype(np.float32)).to(device)
        losses = _passes(body, vectors, prior, batch, config, options, rng)
        with torch.no_grad():
            items = vectors().cpu().numpy().astype(np.float32)
    return Learned(body.cpu().double().eval().requires_grad_(False), items, tuple(losses))


def _passes(
    body: Body,
    vectors: ItemVectors,
    prior: Tensor,
    batch: Histories,
    config: "SequenceConfig",
    options: Options,
    rng: np.random.Generator,
) -> list[float]:
    size = options.batch_size or config.batch_size
    steps = -(-len(training_windows(batch, config.max_length, options.rng())) // size)
    passes = max(config.epochs, -(-config.fewest_steps // steps))
    parameters = [*body.parameters(), *vectors.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    # Up within the first tenth, then down to nothing along a cosine.
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=passes * (steps + 1) + 1, pct_start=0.1
    )
    losses = []
    for turn in range(passes):
        shuffled = shuffled_within_moments(batch, rng)
        windows = training_windows(shuffled, config.max_length, rng)
        order = rng.permutation(len(windows))
        total = weight = 0.0
        for start in range(0, len(order), size):
            rows = windows.rows(order[start : start + size])
            padded = Padded.of(shuffled, rows)
            targets, worth = _targets(padded, rows.skipped, config.horizon, rng)
            loss, heft = _loss(body, vectors, prior, padded, targets, worth, config, rng)
            optimiser.zero_grad(set_to_none=True)
            (loss / max(heft, 1e-9)).backward()
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimiser.step()
            if schedule.last_epoch < schedule.total_steps - 1:
                schedule.step()
            total, weight = total + float(loss.detach()), weight + heft
        losses.append(total / max(weight, 1e-9))
        log.debug("sequence, pass %d of %d: loss %.4f", turn + 1, passes, losses[-1])
    return losses


def _targets(padded: Padded, skipped: Rows, horizon: int, rng: np.random.Generator) -> tuple[Rows, Floats]:
    """(windows, longest) for the state before each event an event it is to foresee, and that event's weight.

    With a horizon the event is drawn from the next few: what comes first of them is often chance.
    """
    place = np.arange(padded.items.shape[1])
    ahead = place + rng.integers(0, horizon, padded.items.shape)
    ahead = np.minimum(ahead, np.maximum(padded.lengths[:, None] - 1, place))
    worth = np.take_along_axis(padded.weights, ahead, axis=1)
    worth = np.where((place >= skipped[:, None]) & (place < padded.lengths[:, None]), worth, 0)
    return np.take_along_axis(padded.items, ahead, axis=1), worth.astype(np.float32)


def _loss(
    body: Body,
    vectors: ItemVectors,
    prior: Tensor,
    padded: Padded,
    targets: Rows,
    worth: Floats,
    config: "SequenceConfig",
    rng: np.random.Generator,
) -> tuple[Tensor, float]:
    """Weighted sum of the cross-entropies of a batch, and the sum of the weights."""
    device = prior.device
    table = vectors(config.own_left_out)
    told = table[torch.from_numpy(padded.items).to(device)] * torch.from_numpy(padded.weights).to(device)[..., None]
    states = body(told, torch.from_numpy(padded.at).to(device))[:, :-1]
    judged = torch.from_numpy(worth > 0).to(device)
    states, wanted = states[judged], torch.from_numpy(targets).to(device)[judged]
    weights = torch.from_numpy(worth).to(device)[judged]
    if len(table) <= config.compared:
        logits = states @ table.T + prior
    else:
        logits, wanted = _sampled(states, table, prior, wanted, config.compared, rng)
    each = functional.cross_entropy(logits, wanted, reduction="none", label_smoothing=config.smoothing)
    return (each * weights).sum(), float(weights.sum())


def _sampled(
    states: Tensor, table: Tensor, prior: Tensor, wanted: Tensor, count: int, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Logits of each wanted item and of a shared sample, each of which stands for as many as were not drawn."""
    drawn = torch.from_numpy(rng.choice(len(table), count, replace=False)).to(states.device)
    right = (states * table[wanted]).sum(1) + prior[wanted]
    others = states @ table[drawn].T + prior[drawn] + float(np.log(len(table) / count))
    others = others.masked_fill(drawn == wanted[:, None], -torch.inf)
    return torch.cat([right[:, None], others], dim=1), torch.zeros_like(wanted)


def _directions(texts: Tensor, width: int) -> Tensor:
    """(width, text width) the principal directions of the texts, scaled so that vectors start small."""
    _, strengths, directions = torch.linalg.svd(texts, full_matrices=False)
    found = directions[:width]
    spread = strengths[:width].mean() / max(len(texts), 1) ** 0.5
    scaled = found * (0.02 / spread.clamp(min=1e-9))
    return functional.pad(scaled, (0, 0, 0, width - len(found)))
