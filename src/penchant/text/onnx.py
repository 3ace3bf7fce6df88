"""Any transformer encoder as an ONNX graph with int8 matrices: twice as fast on a processor, and near the same vectors.

The vocabulary's embeddings stay outside the graph, as int8 rows with a scale each, so that the graph is small, its
export quick and a quarter of the disk is needed. The graph's matrices are quantised per channel and its activations as
they come (dynamic quantisation, as in Q8BERT: Zafrir et al., 2019).
"""

import copy
import hashlib
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from penchant.artifacts import Artifact, folder_written_atomically, load_artifact, save_artifact, storage_errors
from penchant.errors import ArtifactError, ModelError
from penchant.text.batching import encode_in_batches
from penchant.text.tokens import TextTokenizer, Tokens
from penchant.text.transformer import TransformerEncoder, load_model
from penchant.training.options import Options
from penchant.vectors import Floats, chunks, unit_rows

if TYPE_CHECKING:
    import torch

_KIND: Final = "onnx-int8"
_GRAPH: Final = "graph.onnx"
_TOKENIZER: Final = "tokenizer.json"
_TOKENS_PER_TEXT: Final = 32
_TOKEN_BUDGET: Final = 256


def onnx_int8(encoder: TransformerEncoder, folder: Path | str, *, options: Options | None = None) -> "OnnxEncoder":
    """The encoder in int8, exported to `folder` once and read from there ever after.

    Args:
        encoder: what to export; its own device and precision do not matter.
        folder: may hold the exports of several encoders, each in a folder of its own.
        options: threads, texts a batch and progress; the encoder's by default.

    Raises:
        StorageError: the folder cannot be written.
        ModelError: the model has no embeddings to take apart, or cannot be exported.
    """
    from filelock import FileLock

    name = f"{encoder.name_without_precision}/int8"
    slug = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:60]
    home = Path(folder) / f"{slug}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    options = options or encoder.options
    with storage_errors(home):
        home.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(home.with_name(f".{home.name}.lock")):
        try:
            return OnnxEncoder.load(home, options=options)
        except ArtifactError:
            # Absent, unfinished or damaged: all are mended by exporting it.
            _export(encoder, name, home)
    return OnnxEncoder.load(home, options=options)


class OnnxEncoder:
    """An exported encoder; needs neither PyTorch nor transformers to run.

    Activations are quantised batch by batch, so a text's vector depends on its company a little: cosines stay
    within 0.01 of each other.
    """

    def __init__(self, artifact: Artifact, folder: Path, options: Options) -> None:
        meta = artifact.meta
        self.options = options
        self.tokenizer = TextTokenizer.from_folder(folder, meta["max_tokens"], meta["prompt"])
        self._name: str = meta["encoder"]
        self._width: int = meta["width"]
        self._pad: int = meta["pad"]
        self._pooling: str = meta["pooling"]
        self._rows: NDArray[np.int8] = artifact.arrays["rows"]
        self._scales: Floats = artifact.arrays["scales"]
        self._session = _session(folder / _GRAPH, options)

    @classmethod
    def load(cls, folder: Path | str, *, options: Options | None = None) -> "OnnxEncoder":
        """Read an export back.

        Raises:
            ArtifactError: it is absent, unfinished or damaged.
        """
        return cls(load_artifact(folder, _KIND), Path(folder), options or Options())

    @property
    def name(self) -> str:
        """The exported encoder's name, and that this is its int8 form."""
        return self._name

    @property
    def width(self) -> int:
        """Columns of a vector."""
        return self._width

    def encode(self, texts: Sequence[str]) -> Floats:
        """(texts, width) float32, rows of unit norm, in the order of the texts; equal texts have equal rows."""
        batch_size = self.options.batch_size
        return encode_in_batches(
            texts,
            self.tokenizer,
            self._run,
            self._width,
            token_budget=batch_size * _TOKENS_PER_TEXT if batch_size else _TOKEN_BUDGET,
            pad=self._pad,
            shown=self.options.progress,
        )

    def _run(self, numbers: Tokens, mask: Tokens) -> Floats:
        embeddings = self._rows[numbers] * self._scales[numbers][:, :, None]
        (states,) = self._session.run(None, {"embeddings": embeddings, "mask": mask})
        if self._pooling == "first":
            return unit_rows(states[:, 0])
        # The length of a sum is scaled away, so that it serves as the mean.
        return unit_rows(np.matmul(mask[:, None, :].astype(np.float32), states)[:, 0])


def _session(graph: Path, options: Options) -> Any:
    import onnxruntime

    session_options = onnxruntime.SessionOptions()
    session_options.intra_op_num_threads = options.threads or 0
    session_options.inter_op_num_threads = 1
    session_options.log_severity_level = 3
    # Threads that wait sleep: on a shared machine spinning slows down everything else.
    session_options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(
            graph,
            session_options,
            providers=["CPUExecutionProvider"],
            # This fusion runs many times slower than the two operations it replaces (onnxruntime 1.24 to 1.32).
            disabled_optimizers=["SkipLayerNormFusion"],
        )
    except Exception as error:
        raise ArtifactError(f"{graph} cannot be run ({type(error).__name__}: {error}); export it again") from error


def _export(encoder: TransformerEncoder, name: str, home: Path) -> None:
    import torch

    with folder_written_atomically(home) as scratch:
        body, rows, scales = _without_embeddings(encoder)
        float_graph = scratch / "float.onnx"
        with torch.no_grad(), _quiet_exporter():
            _write_graph(body, encoder.width, float_graph)
            _quantise(float_graph, scratch / _GRAPH)
        float_graph.unlink()
        encoder.tokenizer.save(scratch / _TOKENIZER)
        meta = {
            "encoder": name,
            "width": encoder.width,
            "pad": encoder.pad,
            "pooling": encoder.pooling,
            "prompt": encoder.tokenizer.prompt,
            "max_tokens": encoder.max_tokens,
        }
        arrays: dict[str, np.ndarray] = {"rows": rows, "scales": scales}
        save_artifact(scratch, _KIND, arrays=arrays, meta=meta, files=(_GRAPH, _TOKENIZER))


def _without_embeddings(encoder: TransformerEncoder) -> tuple["torch.nn.Module", NDArray[np.int8], Floats]:
    """A float32 copy of the model without its vocabulary, and the vocabulary's rows in int8 with their scales."""
    import torch

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


def _write_graph(body: "torch.nn.Module", width: int, path: Path) -> None:
    import torch

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
