"""Texts as vectors and words: encoders, their weights and caches, word segmentation."""

from typing import TYPE_CHECKING, Final

from penchant.lazy import late
from penchant.text.encoder import Encoder as Encoder

if TYPE_CHECKING:
    from penchant.text.cache import CachedEncoder as CachedEncoder
    from penchant.text.onnx import OnnxEncoder as OnnxEncoder
    from penchant.text.onnx import onnx_int8 as onnx_int8
    from penchant.text.static import StaticEncoder as StaticEncoder
    from penchant.text.static import distil as distil
    from penchant.text.transformer import TransformerEncoder as TransformerEncoder
    from penchant.text.transformer import load_encoder as load_encoder
    from penchant.text.words import segment as segment

_HOMES: Final = {
    "CachedEncoder": "penchant.text.cache",
    "OnnxEncoder": "penchant.text.onnx",
    "StaticEncoder": "penchant.text.static",
    "TransformerEncoder": "penchant.text.transformer",
    "distil": "penchant.text.static",
    "load_encoder": "penchant.text.transformer",
    "onnx_int8": "penchant.text.onnx",
    "segment": "penchant.text.words",
}

# An encoder brings PyTorch, and words need none of it.
__getattr__, __dir__, __all__ = late(__name__, _HOMES, ["Encoder"])
