"""What each character of a text adds to a score through a transformer: integrated gradients over its token embeddings.

The path runs from the text with every token of its own replaced by padding or a mask, special tokens and prompt kept,
to the text itself (Sundararajan, Taly and Yan, 2017). Shares sum to the difference in score between the two ends, up to
what the steps leave out, which is returned too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from penchant.errors import ConfigError, MissingExtraError
from penchant.interests.labeller import Labeller
from penchant.interests.sources import DOUBT, NEAREST_POWER, VECTOR_LENGTH, Meaning, Names, Nearest, Tuned
from penchant.interests.zero_shot import SHARPNESS
from penchant.language import Phrase
from penchant.text.progress import progress
from penchant.text.tokens import batches, padded
from penchant.training.precision import torch_threads
from penchant.vectors import Floats, unit_rows

if TYPE_CHECKING:
    import torch

    from penchant.text.transformer import TransformerEncoder
    from penchant.text.tuning.batches import JointTokenizer

Baseline = Literal["pad", "mask"]
EXPLAINING: Final = Phrase("Explaining labels", "解释标注")
_TOKENS_AT_ONCE: Final = 1024
"""Tokens whose states are kept for one step back; longer texts go one step at a time."""
_SMALLEST: Final = 1e-6


@dataclass(frozen=True)
class Route:
    """How the way from nothing to a text is walked."""

    steps: int
    baseline: Baseline


@dataclass(frozen=True, eq=False)
class Shares:
    """What characters add to a score, and what the steps left out."""

    characters: list[NDArray[np.float64]]
    """For each text, (characters,)."""
    missed: NDArray[np.float64]
    """(texts,) how far the shares of each text are above the difference between its score and its baseline's."""


def encoder_shares(labeller: Labeller, texts: Sequence[str], slopes: Mapping[str, Floats], route: Route) -> Shares:
    """Through the encoder, to names, meaning and the nearest labelled texts.

    A vector that is drawn to its neighbours is explained as if these stayed the same all along the path: the text's own
    vector is what its words move.

    Args:
        labeller: fitted.
        texts: stripped, without lone surrogates.
        slopes: by source, (texts, classes) how much each class's logit counts.
        route: how it is walked.

    Raises:
        ConfigError: the encoder is no transformer.
        MissingExtraError: captum is not installed.
    """
    import torch

    from penchant.text.tuning.batches import JointTokenizer

    encoder = _transformer(labeller)
    reader = labeller.reader
    assert reader.centre is not None
    pulls = np.zeros((len(texts), encoder.width), dtype=np.float32)
    if reader.crowd is not None:
        pulls = reader.crowd.pulls(unit_rows(encoder.encode(texts) - reader.centre))
    centre = torch.from_numpy(np.asarray(reader.centre, dtype=np.float32)).to(encoder.device)
    heads = [_head(labeller.sources[name], encoder.device) for name in slopes]

    def score(pooled: "torch.Tensor", pull: "torch.Tensor", *slope: "torch.Tensor") -> "torch.Tensor":
        normalise = torch.nn.functional.normalize
        vectors = normalise(normalise(normalise(pooled.float()) - centre) + pull)
        return torch.stack([(head(vectors) * each).sum(1) for head, each in zip(heads, slope, strict=True)]).sum(0)

    tokenizer = JointTokenizer(encoder.tokenizer._tokenizer, encoder.max_tokens, encoder.tokenizer.prompt, encoder.pad)
    walk = _Walk(route, tokenizer, encoder.model.get_input_embeddings(), encoder.pooled, score, encoder.device)
    with torch_threads(encoder.options.threads):
        return walk(texts, [pulls, *slopes.values()], shown=encoder.options.progress)


def tuned_shares(source: Tuned, texts: Sequence[str], slope: Floats, route: Route) -> Shares:
    """Through a fine-tuned model; the networks of an ensemble count as they do at the text itself.

    Args:
        source: of the labeller.
        texts: stripped, without lone surrogates.
        slope: (texts, classes) how much each class's logit counts.
        route: how it is walked.

    Raises:
        MissingExtraError: captum is not installed.
    """
    import torch

    model = source.model
    columns = torch.tensor(source.columns, device=model.device)
    (task,) = model.tasks
    summed = Shares([np.zeros(len(text)) for text in texts], np.zeros(len(texts)))
    weights = _network_weights(source, texts)
    for network, weight in zip(model.networks, weights, strict=True):
        head = network.head(task.config.name)

        def score(pooled: "torch.Tensor", slope: "torch.Tensor", head: Any = head) -> "torch.Tensor":
            logits = head(head.features(pooled, None)).float()
            said = logits.log_softmax(1) if source.exclusive else logits
            every = said.min(1, keepdim=True).values.repeat(1, source.classes).index_copy(1, columns, said)
            return (every * slope).sum(1)

        def pooled(numbers: "torch.Tensor", mask: "torch.Tensor", network: Any = network) -> "torch.Tensor":
            return network.vectors({"input_ids": numbers, "attention_mask": mask})

        walk = _Walk(route, model.tokenizer, network.entry, pooled, score, model.device)
        with torch_threads(model.options.threads):
            found = walk(texts, [(slope * weight).astype(np.float32)], shown=model.options.progress)
        summed = Shares(
            [one + other for one, other in zip(summed.characters, found.characters, strict=True)],
            summed.missed + found.missed,
        )
    return summed


@dataclass(frozen=True, eq=False)
class _Walk:
    """Integrated gradients for one network and one score."""

    route: Route
    tokenizer: "JointTokenizer"
    entry: Any
    """The module whose output is the token embeddings."""
    pooled: Callable[..., "torch.Tensor"]
    """From token numbers and mask to (texts, width)."""
    score: Callable[..., "torch.Tensor"]
    """From pooled states and what is told of each text to (texts,)."""
    device: "torch.device"

    def __call__(self, texts: Sequence[str], told: Sequence[Floats], *, shown: bool) -> Shares:
        gradients = _captum()(self._scored)
        located = self.tokenizer.located(texts)
        shares = Shares([np.zeros(len(text)) for text in texts], np.zeros(len(texts)))
        with progress(EXPLAINING, len(texts), shown=shown) as advance:
            for batch in batches([len(numbers) for numbers, _ in located], _TOKENS_AT_ONCE):
                added, missed = self._batch(gradients, [located[row] for row in batch], [part[batch] for part in told])
                shares.missed[batch] = missed
                for row, values in zip(batch.tolist(), added, strict=True):
                    _spread(values, located[row][1], texts[row], shares.characters[row])
                advance(len(batch))
        return shares

    def _batch(
        self, gradients: Any, located: list[tuple[list[int], list[tuple[int, int]]]], told: list[Floats]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(texts, tokens) shares and (texts,) what was missed."""
        import torch

        numbers, mask = padded([ids for ids, _ in located], self.tokenizer.pad)
        nothing = numbers.copy()
        for row, (_, spans) in enumerate(located):
            own = [place for place, (start, end) in enumerate(spans) if end > start]
            nothing[row, own] = self.tokenizer.pad if self.route.baseline == "pad" else self.tokenizer.mask
        numbered, masked = torch.from_numpy(numbers).to(self.device), torch.from_numpy(mask).to(self.device)
        with torch.no_grad():
            text = self.entry(numbered).float()
            baseline = self.entry(torch.from_numpy(nothing).to(self.device)).float()
        added, missed = gradients.attribute(
            text,
            baseline,
            additional_forward_args=(numbered, masked, *(torch.from_numpy(part).to(self.device) for part in told)),
            n_steps=self.route.steps,
            internal_batch_size=max(len(numbers), _TOKENS_AT_ONCE // numbers.shape[1]),
            return_convergence_delta=True,
        )
        return added.sum(2).detach().cpu().double().numpy(), missed.detach().cpu().double().numpy()

    def _scored(self, embeddings: "torch.Tensor", numbers: Any, mask: Any, *told: "torch.Tensor") -> "torch.Tensor":
        with _instead(self.entry, embeddings):
            return self.score(self.pooled(numbers, mask), *told)


@contextmanager
def _instead(entry: Any, embeddings: "torch.Tensor") -> Iterator[None]:
    """Run a block in which the module answers with these embeddings."""
    handle = entry.register_forward_hook(lambda module, inputs, output: embeddings.to(output.dtype))
    try:
        yield
    finally:
        handle.remove()


def _spread(
    values: NDArray[np.float64], spans: Sequence[tuple[int, int]], text: str, onto: NDArray[np.float64]
) -> None:
    """Add each token's share to the characters it covers, evenly; to a space only where it covers nothing else."""
    for value, (start, end) in zip(values, spans, strict=False):
        covered = [place for place in range(start, end) if not text[place].isspace()] or list(range(start, end))
        if covered:
            onto[covered] += value / len(covered)


def _head(source: Any, device: "torch.device") -> Callable[["torch.Tensor"], "torch.Tensor"]:
    """What a source makes of vectors, as far as it tells classes apart."""
    import torch

    def tensor(array: NDArray[Any]) -> "torch.Tensor":
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

    if isinstance(source, Meaning):
        weights = tensor(source.linear.weights * VECTOR_LENGTH)
        return lambda vectors: vectors @ weights
    if isinstance(source, Nearest):
        labelled, targets, count = tensor(source.vectors.T), tensor(source.targets), source.neighbours

        def shares(vectors: "torch.Tensor") -> "torch.Tensor":
            cosines, nearest = (vectors @ labelled).topk(min(count, labelled.shape[1]), dim=1)
            weights = cosines.clamp(min=0) ** NEAREST_POWER
            said = (weights[..., None] * targets[nearest]).sum(1) + DOUBT
            said = said / (weights.sum(1, keepdim=True) + DOUBT * targets.shape[1])
            return said.log() if source.exclusive else said.log() - (-said.clamp(max=1 - _SMALLEST)).log1p()

        return shares
    assert isinstance(source, Names)
    names = tensor(source.vectors.T * SHARPNESS)
    if source.exclusive:
        return lambda vectors: vectors @ names

    def log_odds(vectors: "torch.Tensor") -> "torch.Tensor":
        said = (vectors @ names).softmax(1).clamp(_SMALLEST, 1 - _SMALLEST)
        return said.log() - (-said).log1p()

    return log_odds


def _network_weights(source: Tuned, texts: Sequence[str]) -> list[Floats]:
    """For each network, (texts, classes) how fast the logit of the mean probability rises with the network's own."""
    model = source.model
    if len(model.networks) == 1:
        return [np.ones((len(texts), source.classes), dtype=np.float32)]
    said = np.clip([model.alone(number).predict(texts) for number in range(len(model.networks))], _SMALLEST, None)
    mean = said.mean(0)
    # An equal share where a class has no column of its own: what it gets is the least of the others.
    weights = np.full((len(said), len(texts), source.classes), 1 / len(said), dtype=np.float32)
    own = said / mean if source.exclusive else said * (1 - said) / np.maximum(mean * (1 - mean), _SMALLEST)
    weights[:, :, list(source.columns)] = own / len(said)
    return list(weights)


def _transformer(labeller: Labeller) -> "TransformerEncoder":
    from penchant.text.transformer import TransformerEncoder

    encoder = labeller.reader.encoder
    found = getattr(encoder, "encoder", encoder)
    if not isinstance(found, TransformerEncoder):
        raise ConfigError(
            f"gradients need a transformer's encoder, and this labeller's is {type(found).__name__}; "
            "take the method 'occlusion', which needs none"
        )
    return found


def _captum() -> Any:
    try:
        from captum.attr import IntegratedGradients
    except ImportError as error:
        raise MissingExtraError("captum", "train") from error
    return IntegratedGradients
