"""The export behind `penchant.text.onnx`: a transformer's layers as a graph with int8 matrices, its vocabulary apart.

The vocabulary's embeddings stay outside the graph, as int8 rows with a scale each, so that the graph is small, its
export quick and a quarter of the disk is needed. The graph's matrices are quantised per channel and its activations as
they come (dynamic quantisation, as in Q8BERT: Zafrir et al., 2019).
"""

import copy
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from penchant.artifacts import folder_written_atomically, save_artifact
from penchant.errors import ModelError
from penchant.text.onnx import GRAPH, KIND, TOKENIZER
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.vectors import Floats, chunks


def export(encoder: TransformerEncoder, name: str, home: Path) -> None:
    """Write the int8 form of an encoder, under this name, to a folder: whole, or not at all.

    Raises:
        StorageError: the folder cannot be written.
        ModelError: the model has no embeddings to take apart, or cannot be exported.
    """
    with folder_written_atomically(home) as scratch:
        body, rows, scales = _without_embeddings(encoder)
        float_graph = scratch / "float.onnx"
        with torch.no_grad(), _quiet_exporter():
            _write_graph(body, encoder.width, float_graph)
            _quantise(float_graph, scratch / GRAPH)
        float_graph.unlink()
        encoder.tokenizer.save(scratch / TOKENIZER)
        meta = {
            "encoder": name,
            "width": encoder.width,
            "pad": encoder.pad,
            "pooling": encoder.pooling,
            "prompt": encoder.tokenizer.prompt,
            "max_tokens": encoder.max_tokens,
        }
        arrays: dict[str, np.ndarray] = {"rows": rows, "scales": scales}
        save_artifact(scratch, KIND, arrays=arrays, meta=meta, files=(GRAPH, TOKENIZER))


def _without_embeddings(encoder: TransformerEncoder) -> tuple[torch.nn.Module, NDArray[np.int8], Floats]:
    """A float32 copy of the model without its vocabulary, and the vocabulary's rows in int8 with their scales."""
    model = encoder.model if encoder.dtype == torch.float32 else load_model(encoder.weights.folder, torch.float32)
    try:
        vocabulary = model.get_input_embeddings()
    except NotImplementedError as error:
        raise ModelError(f"{encoder.name} keeps no table of token embeddings, which an int8 export needs") from error
    count = vocabulary.weight.shape[0]
    rows = np.empty((count, encoder.width), dtype=np.int8)
    scales = np.empty(count, dtype=np.float32)
    with torch.inference_mode():
        for part in chunks(count, 1 << 14):
            numbers = torch.arange(part.start, part.stop, device=encoder.device)
            # Asked for rather than read, because some models scale what they look up.
            values = vocabulary(numbers.to(vocabulary.weight.device)).float().cpu().numpy()
            scales[part] = np.maximum(np.abs(values).max(axis=1), 1e-12) / 127
            rows[part] = np.rint(values / scales[part][:, None])
    # The memo keeps the vocabulary, most of the model, from being copied.
    body = copy.deepcopy(model, {id(vocabulary): torch.nn.Identity()})
    return body.cpu().eval(), rows, scales


def _write_graph(body: torch.nn.Module, width: int, path: Path) -> None:
    class States(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body: Any = body

        def forward(self, embeddings: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.body(inputs_embeds=embeddings, attention_mask=mask).last_hidden_state

    # Attention written out has fewer operations in ONNX than the fused one, which guards against rows masked whole.
    body.set_attn_implementation("eager")  # type: ignore[operator]
    mask = torch.ones(3, 7, dtype=torch.int64)
    mask[1, 5:] = 0
    sizes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    try:
        program = torch.onnx.export(
            States().eval(),
            (torch.zeros(3, 7, width), mask),
            dynamo=True,
            dynamic_shapes=(sizes, sizes),
            input_names=["embeddings", "mask"],
            output_names=["states"],
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"{type(body).__name__} cannot be exported to ONNX ({error})") from error
    assert program is not None
    program.save(str(path))


def _quantise(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.quant_utils import add_pre_process_metadata

    graph = onnx.load(str(source))
    # The exporter has inferred shapes and folded constants already; the mark says so, and saves a warning.
    add_pre_process_metadata(graph)
    quantize_dynamic(
        graph,
        str(target),
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gemm"],
        extra_options={"MatMulConstBOnly": True},
    )


@contextmanager
def _quiet_exporter() -> Iterator[None]:
    """Without what the exporter says about packages it does not need and about its own inner workings."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
