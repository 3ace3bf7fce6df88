"""A transformer as an encoder: sorted batches, bfloat16 where it is faster, each distinct text once."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from penchant.errors import ConfigError, WeightsError
from penchant.text.batching import encode_in_batches
from penchant.text.tokens import TextTokenizer, Tokens
from penchant.text.weights import Weights, resolve
from penchant.training.options import Options
from penchant.training.precision import choose_device, choose_dtype, torch_threads
from penchant.vectors import Floats, unit_rows

if TYPE_CHECKING:
    import torch

Role = Literal["passage", "query"]
"""What a text is: something to be found, or what somebody looks for."""
Pooling = Literal["mean", "first"]

_TOKENS_PER_TEXT: Final = 32
_TOKEN_BUDGET: Final = {"cpu": 512, "cuda": 1 << 16}
"""Tokens a batch: on a processor so few that the states of a layer stay in its cache, which gains a third in speed."""


def load_encoder(
    name: str | Path = "e5-small",
    *,
    options: Options | None = None,
    cache: Path | None = None,
    role: Role = "passage",
    max_tokens: int | None = None,
) -> "TransformerEncoder":
    """An encoder by name: `e5-small` and `minilm` need no network; a local folder or a hub name does as well.

    Args:
        name: as `penchant.text.weights.resolve` takes it.
        options: device, precision, threads, texts a batch (of 32 tokens each) and whether to show progress.
        cache: where packed weights are expanded; the user's cache by default.
        role: whether the texts are to be found or are queries, for models that were trained to tell them apart.
        max_tokens: texts are cut there; the model's own bound by default.

    Raises:
        WeightsError: the weights cannot be found, read or trusted.
        ConfigError: `max_tokens` is more than the model takes.
    """
    return TransformerEncoder(resolve(name, cache=cache), options=options, role=role, max_tokens=max_tokens)


class TransformerEncoder:
    """Vectors from a transformer: the mean (or the first) of its last states, scaled to unit length.

    The method is that of Sentence-BERT (Reimers and Gurevych, 2019). Batches hold texts of like length, so that hardly
    any work goes into padding. A text's vector does not depend on its company beyond rounding: cosines stay within
    1e-5 of each other in float32, within 1e-3 in bfloat16.
    """

    width: int
    """Columns of a vector."""

    def __init__(
        self,
        weights: Weights,
        *,
        options: Options | None = None,
        role: Role = "passage",
        max_tokens: int | None = None,
    ) -> None:
        if weights.gguf is not None:
            raise WeightsError(f"{weights.name} writes text and gives no vectors; take 'e5-small' or 'minilm'")
        self.weights = weights
        self.options = options or Options()
        self.role: Role = role
        self.device = choose_device(self.options)
        self.dtype = choose_dtype(self.options, self.device)
        self.pooling = _pooling_of(weights.folder)
        self.model = load_model(weights.folder, self.dtype).to(self.device).eval()
        self.width = int(self.model.config.hidden_size)
        self.max_tokens = _token_bound(weights.folder, self.model.config, max_tokens)
        self.tokenizer = TextTokenizer.from_folder(weights.folder, self.max_tokens, weights.prompts.get(role, ""))

    @property
    def name(self) -> str:
        """The model, its weights' fingerprint, the role and whatever else changes the vectors."""
        precision = str(self.dtype).removeprefix("torch.")
        return f"{self.name_without_precision}/{precision}"

    @property
    def name_without_precision(self) -> str:
        """What other forms of the same encoder, such as an export to another format, build their name on."""
        return f"{self.weights.name}@{self.weights.fingerprint}/{self.role}/{self.max_tokens}"

    @property
    def pad(self) -> int:
        """The token number that fills short rows of a batch."""
        return self.model.config.pad_token_id or 0

    def for_role(self, role: Role) -> Self:
        """The same model for texts of another role; the weights are shared, not loaded again.

        `encoder.for_role("query")` encodes what people search for, to be compared with passages.
        """
        other = object.__new__(type(self))
        other.__dict__ |= self.__dict__
        other.role = role
        other.tokenizer = self.tokenizer.with_prompt(self.weights.prompts.get(role, ""))
        return other

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm, in the order of the texts; equal texts have equal rows."""
        batch_size = self.options.batch_size
        budget = batch_size * _TOKENS_PER_TEXT if batch_size else _TOKEN_BUDGET[self.device.type]
        with torch_threads(self.options.threads):
            return encode_in_batches(
                texts,
                self.tokenizer,
                self.run,
                self.width,
                token_budget=budget,
                pad=self.pad,
                shown=self.options.progress,
            )

    def run(self, numbers: Tokens, mask: Tokens) -> Floats:
        """(texts, width) unit vectors of a batch of token numbers, specials included, and their mask."""
        import torch

        with torch.inference_mode():
            pooled = self.pooled(torch.from_numpy(numbers).to(self.device), torch.from_numpy(mask).to(self.device))
            vectors = pooled.float().cpu().numpy()
        if not np.isfinite(vectors).all():
            raise WeightsError(f"{self.weights.name} gives vectors that are not numbers: its weights are damaged")
        return unit_rows(vectors)

    def pooled(self, numbers: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        """(texts, width) pooled states of a batch on the encoder's device, before they are scaled to unit length."""
        # Without a mask, attention takes a faster path.
        states = self.model(input_ids=numbers, attention_mask=None if bool(mask.all()) else mask).last_hidden_state
        return states[:, 0] if self.pooling == "first" else _mean(states, mask)


def _mean(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    import torch

    shares = mask.float() / mask.sum(dim=1, keepdim=True)
    return torch.bmm(shares.unsqueeze(1), states.float()).squeeze(1)


def load_model(folder: Path, dtype: "torch.dtype") -> Any:
    """The transformer of a Hugging Face folder without any head: `last_hidden_state` is what it is for.

    Raises:
        WeightsError: the folder cannot be loaded.
    """
    import inspect

    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        model_class: Any = AutoModel._model_mapping[type(config)]
        # The pooler of BERT's family is not used here and many checkpoints do not hold one.
        extra = {"add_pooling_layer": False} if "add_pooling_layer" in inspect.signature(model_class).parameters else {}
        with _quiet_loading():
            model, report = model_class.from_pretrained(
                folder, config=config, dtype=dtype, local_files_only=True, output_loading_info=True, **extra
            )
    except Exception as error:
        raise WeightsError(f"{folder} cannot be loaded as a model ({type(error).__name__}: {error})") from error
    # transformers fills what is missing with random numbers and goes on.
    if missing := sorted(report["missing_keys"]):
        raise WeightsError(
            f"{folder} lacks {len(missing)} of the model's tensors, such as {missing[0]}; save the whole model there"
        )
    return model


def _pooling_of(folder: Path) -> Pooling:
    try:
        said = json.loads((folder / "1_Pooling" / "config.json").read_bytes())
    except (OSError, ValueError):
        return "mean"
    if said.get("pooling_mode_cls_token"):
        return "first"
    if said.get("pooling_mode_mean_tokens", True):
        return "mean"
    raise WeightsError(
        f"{folder} pools its states in a way other than the mean or the first token; those two are supported"
    )


def _token_bound(folder: Path, config: Any, wanted: int | None) -> int:
    """Tokens a text may have: what is wanted, what sentence-transformers would use, or the positions there are."""
    positions = int(getattr(config, "max_position_embeddings", 512))
    if config.model_type in ("roberta", "xlm-roberta", "camembert"):
        # Their positions start after the padding number.
        positions -= int(config.pad_token_id) + 1
    if wanted is not None:
        if not 3 <= wanted <= positions:
            raise ConfigError(f"max_tokens is {wanted}; {folder.name} takes 3 to {positions}")
        return wanted
    try:
        said = json.loads((folder / "sentence_bert_config.json").read_bytes()).get("max_seq_length")
    except (OSError, ValueError):
        said = None
    return min(int(said or 512), positions)


@contextmanager
def _quiet_loading() -> Iterator[None]:
    """Without transformers' bar, and without its report of tensors for heads that are not used here."""
    from transformers.utils import logging

    level, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shown:
            logging.enable_progress_bar()
