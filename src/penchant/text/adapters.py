"""The few parameters that learn while a language model stays as it is: PEFT's adapters, bottlenecks, frozen parts."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import torch
from torch import Tensor, nn

from penchant.errors import ArtifactError, ConfigError
from penchant.text.tuning.config import AdapterConfig, FinetuneConfig
from penchant.text.tuning.modes import ADAPTER_MODES

Body = Any
"""A transformers model or a PEFT model around one: modules whose attributes no type tells."""

TaskType = Literal["FEATURE_EXTRACTION", "CAUSAL_LM"]

_QUERIES_AND_VALUES: Final = ("query", "value", "q_proj", "v_proj", "q_lin", "v_lin", "query_proj", "value_proj")
"""What Hu et al. (2022) adapt, under the names that model families give it."""

_OUTPUTS: Final = r"(^|\.)(output\.dense|o_proj|out_proj|down_proj|fc2|Wo|dense_4h_to_h)$"
"""The last linear layer of attention and of the feed-forward part, under the names that model families give them."""


class Bottleneck(nn.Module):
    """A linear layer followed by a small residual network: down, GELU, up (Houlsby et al., 2019).

    The way up starts at zero, so that tuning starts from the model as it was.
    """

    def __init__(self, base: nn.Linear, hidden: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.out_features, hidden)
        self.up = nn.Linear(hidden, base.out_features)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        """What the base layer says, and a learned correction of it."""
        said = self.base(states)
        return said + self.up(nn.functional.gelu(self.down(said)))


def attach(
    body: Body, config: FinetuneConfig, *, steps: int, task_type: TaskType = "FEATURE_EXTRACTION", seed: int = 0
) -> Body:
    """Freeze and extend a model as the mode says; what comes back has `requires_grad` set on what learns.

    Args:
        body: a transformers model, changed in place.
        config: the mode and its sizes.
        steps: optimiser steps of the whole run, which AdaLoRA plans by.
        task_type: what PEFT is told the model does.
        seed: of the adapters' first values.

    Raises:
        ConfigError: the model has no layers that the mode could adapt.
    """
    mode = config.mode
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if mode in ADAPTER_MODES or (mode == "contrastive" and config.contrastive.train == "lora"):
            return _with_peft(body, config, steps, task_type)
        if mode == "upper" and config.upper_train == "lora":
            return _with_peft(body, config, steps, task_type)
        if mode == "bottleneck":
            return _with_bottlenecks(body, config.adapter)
    if mode == "frozen":
        return body.requires_grad_(False)
    body.requires_grad_(True)
    if mode == "upper":
        body.requires_grad_(False)
        for layer in list(transformer_layers(body))[-config.upper_layers :]:
            layer.requires_grad_(True)
    elif not config.train_vocabulary:
        body.get_input_embeddings().weight.requires_grad_(False)
    return body


def recompute_activations(body: Body) -> None:
    """Keep no activations for the backward pass: it computes them again, layer by layer.

    Raises:
        ConfigError: the model cannot.
    """
    inner = body.get_base_model() if is_peft(body) else body
    if not inner.supports_gradient_checkpointing:
        raise ConfigError(f"{type(inner).__name__} cannot recompute activations; switch gradient_checkpointing off")
    if hasattr(inner, "activation_checkpointing_enable"):
        inner.activation_checkpointing_enable()
    else:
        inner.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def transformer_layers(body: Body) -> nn.ModuleList:
    """The model's list of transformer layers.

    Raises:
        ConfigError: it has none that can be told.
    """
    return _layers(body)[1]


def _layers(body: Body) -> tuple[str, nn.ModuleList]:
    wanted = body.config.num_hidden_layers
    for name, module in body.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == wanted:
            return name, module
    raise ConfigError(f"{type(body).__name__} keeps its layers in a way that is not known here; use mode 'full'")


def _linear_names(body: Body, config: FinetuneConfig) -> list[str]:
    """Full names of the linear layers to adapt."""
    prefix, layers = _layers(body)
    first = len(layers) - config.upper_layers if config.mode == "upper" else 0
    names = [
        f"{prefix}.{number}.{name}"
        for number, layer in enumerate(layers)
        for name, module in layer.named_modules()
        if isinstance(module, nn.Linear) and number >= first
    ]
    targets = config.adapter.targets
    if targets is None:
        usual = [name for name in names if name.rpartition(".")[2] in _QUERIES_AND_VALUES]
        return usual or names
    chosen = [name for name in names if targets == ("*",) or any(name.endswith(f".{target}") for target in targets)]
    if not chosen:
        examples = sorted({name.removeprefix(f"{prefix}.").partition(".")[2] for name in names})
        raise ConfigError(f"no linear layer is named {targets}; this model has {examples}")
    return chosen


def _with_peft(body: Body, config: FinetuneConfig, steps: int, task_type: TaskType) -> Body:
    from peft import get_peft_model

    with _peft_warnings():
        return get_peft_model(body, _peft_config(body, config, steps, task_type))


def _peft_config(body: Body, config: FinetuneConfig, steps: int, task_type: TaskType) -> Any:
    import peft

    adapter, mode = config.adapter, config.mode
    if mode == "adalora":
        # Ranks are cut between a tenth and two thirds of the run, then stay.
        return peft.AdaLoraConfig(
            task_type=task_type,
            init_r=adapter.rank + (adapter.rank + 1) // 2,
            target_r=adapter.rank,
            lora_alpha=adapter.alpha,  # type: ignore[arg-type]
            lora_dropout=adapter.dropout,
            target_modules=_linear_names(body, config),
            total_step=max(steps, 3),
            tinit=max(steps // 10, 0),
            tfinal=max(steps // 3, 1),
            deltaT=max(steps // 50, 1),
        )
    if mode == "ia3":
        # PEFT knows for each model family which layers' inputs are scaled, and which outputs.
        named = list(adapter.targets) if adapter.targets not in (None, ("*",)) else None
        return peft.IA3Config(task_type=task_type, target_modules=named)
    tokens = adapter.virtual_tokens
    if mode == "prefix":
        return peft.PrefixTuningConfig(task_type=task_type, num_virtual_tokens=tokens, init_weights="zero")
    if mode == "prompt":
        return peft.PromptTuningConfig(task_type=task_type, num_virtual_tokens=tokens)
    if mode == "p-tuning":
        return peft.PromptEncoderConfig(
            task_type=task_type, num_virtual_tokens=tokens, encoder_hidden_size=adapter.hidden
        )
    return peft.LoraConfig(
        task_type=task_type,
        r=adapter.rank,
        lora_alpha=adapter.alpha,  # type: ignore[arg-type]
        lora_dropout=adapter.dropout,
        target_modules=_linear_names(body, config),
    )


def _with_bottlenecks(body: Body, config: AdapterConfig) -> Body:
    body.requires_grad_(False)
    prefix, layers = _layers(body)
    named = config.targets if config.targets != ("*",) else None
    wanted = _OUTPUTS if named is None else rf"(^|\.)({'|'.join(map(re.escape, named))})$"
    found = [
        (name, module)
        for name, module in layers.named_modules()
        if isinstance(module, nn.Linear) and re.search(wanted, name)
    ]
    if not found:
        raise ConfigError(
            f"found no linear layer of {type(body).__name__} to put a bottleneck behind; name its targets"
        )
    for name, linear in found:
        parent, _, child = f"{prefix}.{name}".rpartition(".")
        setattr(body.get_submodule(parent), child, Bottleneck(linear, config.bottleneck))
    for module in layers.modules():
        if "norm" in type(module).__name__.lower():
            module.requires_grad_(True)
    return body


def is_peft(body: Body) -> bool:
    """Whether the model is wrapped by PEFT (what PEFT has wrapped has a `peft_config` too, so that is no sign)."""
    return hasattr(body, "get_base_model")


def learns_tokens(body: Body) -> bool:
    """Whether the model puts learned tokens in front of a text."""
    return is_peft(body) and bool(body.active_peft_config.is_prompt_learning)


@contextmanager
def _peft_warnings() -> Iterator[None]:
    """PEFT 0.21 asks transformers by a name it no longer likes, and does not know its own rank patterns again."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "The following rank_pattern keys did not match", RuntimeWarning)
        yield


def save_adapter(body: Body, folder: Path, base_name: str) -> list[str]:
    """Write a PEFT adapter in PEFT's own format; the files' names.

    `peft.PeftModel.from_pretrained(base, folder)` reads it with no help from Penchant.
    """
    body.peft_config["default"].base_model_name_or_path = base_name
    # No mode moves the vocabulary; left to itself PEFT asks the hub for the base model by the name it has here.
    body.save_pretrained(str(folder), save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    return ["adapter_config.json", "adapter_model.safetensors"]


def load_adapter(body: Body, folder: Path) -> Body:
    """The model with the adapter of a folder, ready to answer, not to be trained.

    Raises:
        ArtifactError: the adapter cannot be read, or does not fit the model.
    """
    from peft import PeftModel

    try:
        with _peft_warnings():
            return PeftModel.from_pretrained(body, str(folder))
    except (OSError, ValueError, RuntimeError) as error:
        raise ArtifactError(f"the adapter in {folder} does not load ({error}); tune the model again") from error


def trainable_names(body: Body) -> Iterator[str]:
    """Names of the parameters that learn."""
    return (name for name, parameter in body.named_parameters() if parameter.requires_grad)
