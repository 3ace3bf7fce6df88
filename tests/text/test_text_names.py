"""The public names of `penchant.text`: all there, and none of them loads PyTorch before it is needed."""

import subprocess
import sys

import pytest

from penchant import text


def test_every_public_name_is_there() -> None:
    for name in text.__all__:
        assert getattr(text, name).__name__ == name
    with pytest.raises(AttributeError, match=r"penchant\.text has no public name 'encode'"):
        _ = text.encode


def test_words_and_names_load_no_pytorch() -> None:
    code = (
        "import sys, penchant.text; from penchant.text import segment, CachedEncoder, onnx_int8, load_encoder\n"
        "segment('铸铁锅 pan')\n"
        "print(sorted({'torch', 'transformers', 'onnxruntime', 'onnx'} & set(sys.modules)))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
