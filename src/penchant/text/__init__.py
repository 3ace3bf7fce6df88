"""Texts as vectors and words: encoders, their weights and caches, word segmentation."""

from typing import TYPE_CHECKING, Any

from penchant.text.encoder import Encoder

if TYPE_CHECKING:
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import TransformerEncoder, load_encoder

_LATE = {
    "CachedEncoder": "penchant.text.cache",
    "TransformerEncoder": "penchant.text.transformer",
    "load_encoder": "penchant.text.transformer",
}

__all__ = ["CachedEncoder", "Encoder", "TransformerEncoder", "load_encoder"]


def __getattr__(name: str) -> Any:
    # Loaded when first used: an encoder brings PyTorch, and words need none of it.
    from importlib import import_module

    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
