"""Any transformer encoder as an ONNX graph with int8 matrices: twice as fast on a processor, and near the same vectors.

An export is a folder that holds all it needs; `penchant.text.export` makes it.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from penchant.artifacts import Artifact, load_artifact, storage_errors
from penchant.errors import ArtifactError
from penchant.text.batching import encode_in_batches
from penchant.text.tokens import TextTokenizer, Tokens
from penchant.training.options import Options
from penchant.vectors import Floats, unit_rows

if TYPE_CHECKING:
    from penchant.text.transformer import TransformerEncoder

KIND: Final = "onnx-int8"
GRAPH: Final = "graph.onnx"
TOKENIZER: Final = "tokenizer.json"
_TOKENS_PER_TEXT: Final = 32
_TOKEN_BUDGET: Final = 256


def onnx_int8(encoder: "TransformerEncoder", folder: Path | str, *, options: Options | None = None) -> "OnnxEncoder":
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
            from penchant.text.export import export

            export(encoder, name, home)
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
        self._session = _session(folder / GRAPH, options)

    @classmethod
    def load(cls, folder: Path | str, *, options: Options | None = None) -> "OnnxEncoder":
        """Read an export back.

        Raises:
            ArtifactError: it is absent, unfinished or damaged.
        """
        return cls(load_artifact(folder, KIND), Path(folder), options or Options())

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
