"""The next event, foreseen from the order and the times of all before it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from penchant.artifacts import load_artifact, save_artifact
from penchant.collaborative.scorer import ScorerConfig
from penchant.collaborative.sequence_windows import Padded, Windows, last_windows, overlapping_windows
from penchant.data.community import Community
from penchant.data.interactions import Histories, histories
from penchant.errors import ConfigError, NotFittedError, TooLittleDataError
from penchant.training.options import Options
from penchant.vectors import Floats, Rows, chunks

if TYPE_CHECKING:
    from penchant.collaborative.sequence_network import Body

TextVectors = Floats | Callable[[Community], Floats]
"""(items, any width) vectors of the items' texts, or how to make them of a community."""

_WINDOWS_AT_ONCE = 256
_CELLS_AT_ONCE = 4_000_000


class SequenceConfig(ScorerConfig):
    """The network, and how it learns."""

    cell: Literal["transformer", "gru"] = "transformer"
    """What reads a history: causal self-attention, or a gated recurrent unit, which is quicker on long windows."""
    width: PositiveInt = 64
    """Length of an item's vector and of a state."""
    layers: PositiveInt = 2
    """Blocks, or recurrent layers, on top of one another."""
    heads: PositiveInt = 2
    """Attention heads; they divide the width."""
    max_length: PositiveInt = 50
    """Events of a history that are read: its last ones."""
    relative_time: bool = True
    """Whether attention sees the time between two events, beside the number of events between them."""
    horizon: PositiveInt = 1
    """An event to foresee is drawn from the next so many; more than one where the order of a session is chance."""
    lift: float = Field(default=0.0, ge=0, le=1)
    """How much of what is foreseen without any history is taken off a score: 0 ranks by likelihood, 1 by what the
    history alone changes."""
    epochs: PositiveInt = 20
    """Passes over all histories."""
    fewest_steps: PositiveInt = 200
    """Steps below which a small community is gone through more often."""
    batch_size: PositiveInt = 64
    """Windows of histories a step."""
    learning_rate: PositiveFloat = 3e-3
    """The highest, after the first tenth of the steps."""
    weight_decay: NonNegativeFloat = 0.05
    """Pull of all weights towards zero."""
    dropout: float = Field(default=0.3, ge=0, lt=1)
    """Share of the numbers inside the network that are left out of each step."""
    smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Share of the certainty that is spread over all items while learning."""
    compared: PositiveInt = 8_192
    """Items that an event is told apart from in one step: all, or in larger catalogues a sample."""
    own_left_out: float = Field(default=0.1, ge=0, lt=1)
    """Share of the items whose own vector is left out of a step where texts are there to stand in."""

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.cell == "transformer" and self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}; take one that they divide")
        return self


class SequenceScorer:
    """A network that reads a history event by event and says how likely each item is the next.

    The likelihood of an item is that of its popularity, changed by the product of the history's state and the item's
    vector; the same vectors are what the network reads (tied embeddings). An item's vector is its own plus what its
    text says, so with texts an item that nobody has touched is scored like any other, and without them it scores by
    its popularity, which is none. An event enters as its item's vector times its weight, as a share of the heaviest
    weight learned from; one of negative weight takes off what a history of it alone would add. Method: SASRec; see
    `sequence_network.Transformer`.

    Args:
        config: the network and how it learns.
        vectors: of the items' texts, in the order of the community's items; or how to make them when fitting.
    """

    name = "sequence"

    def __init__(self, config: SequenceConfig | None = None, *, vectors: TextVectors | None = None) -> None:
        self.config = config or SequenceConfig()
        self.losses: tuple[float, ...] = ()
        """Mean loss of each pass of the fit."""
        self._texts = vectors
        self._body: Body | None = None
        self._items: Floats = np.empty((0, 0), dtype=np.float32)
        self._prior: Floats = np.empty(0, dtype=np.float32)
        self._heaviest = 1.0

    @property
    def item_vectors(self) -> Floats:
        """(items, width) learned vectors; zeros for items with neither events nor texts."""
        self._fitted()
        return self._items

    def fit(self, community: Community, options: Options) -> Self:
        """Learn from everyone's positive events, in order of time.

        Raises:
            TooLittleDataError: nobody likes anything.
            ConfigError: there is not one text vector for each item.
        """
        from penchant.collaborative.sequence_training import learn

        item_count = len(community.item_ids)
        everything = histories(community, weights=self.config.event_weights)
        self._heaviest = float(everything.weights.max(initial=0)) or 1.0
        batch = self._positive(everything)
        if not len(batch.items):
            raise TooLittleDataError(
                "a sequence model needs events that say what members like; every weight here is zero or less"
            )
        counts = np.bincount(batch.items, minlength=item_count)
        learned = learn(batch, counts, self._text_vectors(community), self.config, options)
        self._body, self._items, self.losses = learned.body, learned.items, learned.losses
        self._prior = np.log1p(counts).astype(np.float32)
        return self

    def score(self, batch: Histories) -> Floats:
        """(batch, items) logits of the next event, so many `lift`s of an empty history's taken off; zero without any.

        Scores of one history differ by the logarithm of how much likelier one item is than another.
        """
        positive = self._positive(batch)
        states = self._states(positive)
        start = self._start()
        likes = np.diff(positive.offsets) > 0
        moved = np.where(likes[:, None], states - self.config.lift * start, 0).astype(np.float32)
        scores: Floats = moved @ self._items.T
        scores[likes] += np.float32(1 - self.config.lift) * self._prior
        disliked = _dislikes(batch)
        if len(disliked.items):
            against = (disliked.weights[:, None] * self._alone(disliked)).astype(np.float32)
            sums = np.zeros_like(moved)
            np.add.at(sums, disliked.owners, against)
            scores += sums @ self._items.T
        return scores

    def contributions(self, history: Histories, items: Rows) -> Floats:
        """(items, events) how much lower each item would score without each event; what is left is spread evenly.

        Events before the last `max_length` that are read take no part. Dislikes carry their own part exactly.
        """
        self._fitted()
        parts = np.zeros((len(items), len(history.items)), dtype=np.float64)
        positive = self._positive(history)
        likes = np.flatnonzero(history.weights > 0)
        vectors = self._items[items].astype(np.float64)
        if len(likes):
            window = last_windows(positive, self.config.max_length)
            padded = Padded.of(positive, window)
            state, start = self._read(padded)[0], self._start()
            read = likes[int(window.starts[0]) :]
            if len(read) > 1:
                missed = (state - self._read(padded.without_each())) @ vectors.T
                whole = (state - self.config.lift * start) @ vectors.T
                whole = whole + (1 - self.config.lift) * self._prior[items]
                parts[:, read] = (missed + (whole - missed.sum(axis=0)) / len(read)).T
            else:
                parts[:, read[0]] = (state - self.config.lift * start) @ vectors.T
                parts[:, read[0]] += (1 - self.config.lift) * self._prior[items]
        dislikes = np.flatnonzero(history.weights < 0)
        if len(dislikes):
            against = _dislikes(history)
            parts[:, dislikes] = vectors @ (against.weights[:, None] * self._alone(against)).T
        return parts.astype(np.float32)

    def log_loss(self, batch: Histories, *, compared: int | None = None) -> Floats:
        """(entries,) minus the logarithm of how likely each event was, given those of its history before it.

        In nats: 0 is certain; a guess among n items that are equally likely costs log n. NaN for events of no positive
        weight, which the network does not foresee.

        Args:
            batch: histories.
            compared: so many items, drawn by popularity and always the same, stand for all in a larger catalogue:
                far quicker there, and off by some hundredths of a nat.
        """
        body = self._fitted()
        positive = self._positive(batch)
        windows = overlapping_windows(positive, self.config.max_length)
        losses = np.zeros(len(positive.items))
        vectors, prior = self._stand_ins(compared)
        largest = max(1, _CELLS_AT_ONCE // max(len(vectors), 1))
        for part in chunks(len(windows), _WINDOWS_AT_ONCE):
            rows = windows.rows(part)
            states = self._all_states(body, Padded.of(positive, rows))
            places, real = rows.places()
            real &= np.arange(places.shape[1]) >= rows.skipped[:, None]
            before, entries = states[:, :-1][real].astype(np.float32), places[real]
            for some in chunks(len(entries), largest):
                logits = before[some] @ vectors.T + prior
                top = logits.max(axis=1)
                total = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
                own = positive.items[entries[some]]
                losses[entries[some]] = total - (before[some] * self._items[own]).sum(axis=1) - self._prior[own]
        told = np.full(len(batch.items), np.nan, dtype=np.float32)
        told[batch.weights > 0] = losses
        return told

    def save(self, folder: Path) -> None:
        """Write the network, the item vectors, their popularity and the configuration."""
        body = self._fitted()
        state = {f"body/{name}": tensor.numpy() for name, tensor in body.state_dict().items()}
        save_artifact(
            folder,
            self.name,
            arrays={"items": self._items, "prior": self._prior, **state},
            meta={"config": self.config.as_meta(), "losses": list(self.losses), "heaviest": self._heaviest},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read back what `save` wrote; scores are identical."""
        import torch

        from penchant.collaborative.sequence_network import body_of

        artifact = load_artifact(folder, cls.name)
        scorer = cls(SequenceConfig.model_validate(artifact.meta["config"]))
        body = body_of(scorer.config).double().eval().requires_grad_(False)
        body.load_state_dict(
            {
                name.removeprefix("body/"): torch.from_numpy(array)
                for name, array in artifact.arrays.items()
                if name.startswith("body/")
            }
        )
        scorer._body, scorer._items, scorer._prior = body, artifact.arrays["items"], artifact.arrays["prior"]
        scorer.losses, scorer._heaviest = tuple(artifact.meta["losses"]), float(artifact.meta["heaviest"])
        return scorer

    def _fitted(self) -> "Body":
        if self._body is None:
            raise NotFittedError(f"the scorer {self.name} has learned nothing yet; call fit or load first")
        return self._body

    def _positive(self, batch: Histories) -> Histories:
        """The events that speak for an item, with weights of one at most: the heaviest learned from, and all above."""
        kept = _kept(batch, batch.weights > 0)
        return replace(kept, weights=np.minimum(kept.weights / np.float32(self._heaviest), 1))

    def _text_vectors(self, community: Community) -> Floats | None:
        if self._texts is None:
            return None
        vectors = self._texts(community) if callable(self._texts) else self._texts
        if vectors.ndim != 2 or len(vectors) != len(community.item_ids):
            raise ConfigError(
                f"the text vectors have the shape {vectors.shape}; give one row for each of the "
                f"{len(community.item_ids)} items, in their order"
            )
        # A language model's vectors share a common direction that says nothing.
        return np.asarray(vectors - vectors.mean(axis=0), dtype=np.float32) if len(vectors) else None

    def _stand_ins(self, compared: int | None) -> tuple[Floats, Floats]:
        """Vectors and priors over which likelihoods add up to one: of all items, or of some drawn by popularity."""
        if compared is None or len(self._items) <= compared:
            return self._items, self._prior
        mass = np.exp(self._prior.astype(np.float64))
        drawn = np.random.default_rng(0).choice(len(mass), compared, p=mass / mass.sum())
        return self._items[drawn], np.full(compared, np.log(mass.sum() / compared), dtype=np.float32)

    def _states(self, positive: Histories) -> np.ndarray:
        """(batch, width) the state after each history."""
        self._fitted()
        windows = last_windows(positive, self.config.max_length)
        found = np.empty((len(windows), self.config.width))
        for part in chunks(len(windows), _WINDOWS_AT_ONCE):
            found[part] = self._read(Padded.of(positive, windows.rows(part)))
        return found

    def _start(self) -> np.ndarray:
        """(width,) the state before any event."""
        nothing = np.zeros(1, dtype=np.int64)
        return self._read(Padded.of(Histories.of_items([[]]), Windows(nothing, nothing, nothing)))[0]

    def _alone(self, events: Histories) -> np.ndarray:
        """(entries, width) how the state after one event of weight one differs from that before any."""
        alone = Histories.of_items([[item] for item in events.items.tolist()])
        return self._states(alone) - self._start()

    def _read(self, padded: Padded) -> np.ndarray:
        """(windows, width) the state after the last event of each window."""
        states = self._all_states(self._fitted(), padded)
        return states[np.arange(len(states)), padded.lengths]

    def _all_states(self, body: "Body", padded: Padded) -> np.ndarray:
        import torch

        # In double precision, so that a history scores the same in whatever company it is padded and multiplied.
        told = self._items[padded.items].astype(np.float64) * padded.weights[..., None]
        told = told.reshape(*padded.items.shape, self.config.width)
        with torch.inference_mode():
            found: np.ndarray = body(torch.from_numpy(told), torch.from_numpy(padded.at)).numpy()
        return found


def _dislikes(batch: Histories) -> Histories:
    """The events that speak against one."""
    return _kept(batch, batch.weights < 0)


def _kept(batch: Histories, kept: np.ndarray) -> Histories:
    if kept.all():
        return batch
    lengths = np.bincount(batch.owners[kept], minlength=len(batch))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return replace(batch, offsets=offsets, items=batch.items[kept], at=batch.at[kept], weights=batch.weights[kept])
