"""AdaLoRA's budget of ranks: what it has found out so far, and what is dropped when training ends."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from penchant.text.adapters import Body, is_peft

_IMPORTANCE: Final = ("ipt", "exp_avg_ipt", "exp_avg_unc")


def orthogonality(body: Body) -> Tensor:
    """How far AdaLoRA's directions are from being orthogonal, weighted as its configuration says (Zhang et al., 2023).

    Only where they are does a singular value tell how much a direction matters.
    """
    apart = [
        torch.linalg.norm((values @ values.T if ".lora_A." in name else values.T @ values) - torch.eye(rank))
        for name, values in body.named_parameters()
        for rank in [values.shape[0] if ".lora_A." in name else values.shape[-1]]
        if ".lora_A." in name or ".lora_B." in name
    ]
    return body.peft_config["default"].orth_reg_weight * torch.stack(apart).mean()


def budget_state(body: Body) -> tuple[dict[str, Tensor], dict[str, list[bool]]] | None:
    """What AdaLoRA has found out so far about its ranks: their importance by parameter, and which ones stay."""
    allocator = getattr(getattr(body, "base_model", None), "rankallocator", None)
    if allocator is None:
        return None
    state = {f"{kind}/{name}": values for kind in _IMPORTANCE for name, values in getattr(allocator, kind).items()}
    return state, body.peft_config["default"].rank_pattern or {}


def restore_budget(body: Body, state: Mapping[str, Tensor], pattern: Mapping[str, list[bool]]) -> None:
    """Take over what `budget_state` gave."""
    for name, values in state.items():
        kind, _, parameter = name.partition("/")
        getattr(body.base_model.rankallocator, kind)[parameter] = values
    body.peft_config["default"].rank_pattern = dict(pattern)


def settle(body: Body) -> None:
    """Drop the ranks that AdaLoRA's budget has switched off, so that they are neither computed nor saved.

    PEFT plans which ranks stay while it trains; the state that was kept may be an earlier one, so what counts is which
    singular values are not zero.
    """
    if not is_peft(body) or not hasattr(body.base_model, "resize_modules_by_rank_pattern"):
        return
    pattern = {}
    for name, values in body.base_model.model.named_parameters():
        if ".lora_E." in name:
            alive = (values != 0).flatten()
            alive[0] |= ~alive.any()
            pattern[name] = alive.tolist()
    body.peft_config["default"].rank_pattern = pattern
    body.base_model.resize_modules_by_rank_pattern(pattern, "default")
