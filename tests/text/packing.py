"""Write a BERT in the packed form that `penchant.text.packed` reads: the format's other side, for tests."""

import struct
from pathlib import Path

import numpy as np
import torch

MODULES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "aln": "attention.output.LayerNorm",
    "oln": "output.LayerNorm",
}


def rounded_to_four_bits(values: np.ndarray) -> tuple[bytes, np.ndarray]:
    """The packed blocks of a matrix, and the values they stand for."""
    blocks = values.reshape(-1, 32).astype(np.float32)
    scales = np.maximum(np.abs(blocks).max(axis=1) / 7, 1e-4).astype(np.float16)
    nibbles = np.clip(np.rint(blocks / scales[:, None].astype(np.float32)) + 8, 0, 15).astype(np.uint8)
    packed = b"".join(
        scale.tobytes() + (row[:16] | row[16:] << 4).tobytes() for scale, row in zip(scales, nibbles, strict=True)
    )
    return packed, ((nibbles.astype(np.float32) - 8) * scales[:, None].astype(np.float32)).reshape(values.shape)


def pack(model: torch.nn.Module, pieces: list[tuple[str, float]], path: Path) -> None:
    """Pack the model; its matrices are rounded in place to what the file holds, so that the two can be compared."""
    config = model.config
    state = model.state_dict()
    names = {
        "emb.word": "embeddings.word_embeddings.weight",
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.type": "embeddings.token_type_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "emb.ln.b": "embeddings.LayerNorm.bias",
    }
    for layer in range(config.num_hidden_layers):
        for short, module in MODULES.items():
            names[f"l{layer}.{short}.w"] = f"encoder.layer.{layer}.{module}.weight"
            names[f"l{layer}.{short}.b"] = f"encoder.layer.{layer}.{module}.bias"
    directory, contents = [], []
    for name, full in names.items():
        values = state[full].numpy()
        is_packed = name == "emb.word" or (name.endswith(".w") and "ln" not in name)
        if is_packed:
            content, rounded = rounded_to_four_bits(values)
            state[full].copy_(torch.from_numpy(rounded))
        else:
            content = values.astype("<f4").tobytes()
        directory.append((name.encode(), int(is_packed), values.size, len(content)))
        contents.append(content + bytes(-len(content) % 64))
    encoded = [piece.encode() for piece, _ in pieces]
    offsets = np.cumsum([0, *map(len, encoded)]).astype("<u4")
    head = b"E5S1" + struct.pack("<I", 1)
    head += struct.pack(
        "<7ifi",
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.intermediate_size,
        config.vocab_size,
        config.max_position_embeddings,
        config.type_vocab_size,
        1e-12,
        32,
    )
    head += struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, int(offsets[-1])) + offsets.tobytes()
    head += np.array([score for _, score in pieces], dtype="<f4").tobytes() + b"".join(encoded)
    normalisation = struct.pack("<IBI", 0x3000, 1, 0x20)
    head += struct.pack("<iI", 1, len(normalisation)) + normalisation
    head += struct.pack("<i", len(directory))
    start = len(head) + sum(2 + len(name) + 21 for name, *_ in directory)
    position = start
    for (name, is_packed, size, length), content in zip(directory, contents, strict=True):
        head += struct.pack("<H", len(name)) + name + struct.pack("<BIQQ", is_packed, size, position, length)
        position += len(content)
    assert len(head) == start
    path.write_bytes(head + b"".join(contents))
