"""Texts as vectors and words: encoders, their weights and caches, word segmentation."""

from typing import TYPE_CHECKING, Any

from penchant.text.encoder import Encoder

if TYPE_CHECKING:
    from penchant.text.cache import CachedEncoder
    from penchant.text.onnx import OnnxEncoder, onnx_int8
    from penchant.text.static import StaticEncoder, distil
    from penchant.text.transformer import TransformerEncoder, load_encoder
    from penchant.text.words import segment

_LATE = {
    "CachedEncoder": "penchant.text.cache",
    "OnnxEncoder": "penchant.text.onnx",
    "StaticEncoder": "penchant.text.static",
    "TransformerEncoder": "penchant.text.transformer",
    "distil": "penchant.text.static",
    "load_encoder": "penchant.text.transformer",
    "onnx_int8": "penchant.text.onnx",
    "segment": "penchant.text.words",
}

__all__ = [
    "CachedEncoder",
    "Encoder",
    "OnnxEncoder",
    "StaticEncoder",
    "TransformerEncoder",
    "distil",
    "load_encoder",
    "onnx_int8",
    "segment",
]


def __getattr__(name: str) -> Any:
    # Loaded when first used: an encoder brings PyTorch, and words need none of it.
    from importlib import import_module

    if name in _LATE:
        return getattr(import_module(_LATE[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
