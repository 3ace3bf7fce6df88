"""Files of texts: labelled ones as a labels table, and bare ones as they stand."""

import logging
from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.columns import LABELS
from penchant.data.community import conform
from penchant.data.mapping import ReadConfig
from penchant.data.readers import BatchReader
from penchant.data.sources import find_sources
from penchant.errors import ColumnError, ReadError
from penchant.language import system_language

_LOG: Final = logging.getLogger("penchant.read")
_LINES: Final = ".txt"


def read_labelled(path: Path | str) -> pl.DataFrame:
    """Labelled texts of a file: columns `text`, `labels` (one, or several) and, where it has them, `split`, `item_id`.

    Rows that do not pass the checks of the door are counted in the log and left out.

    Args:
        path: `.jsonl`, `.csv` or `.tsv`, each also as `.gz`, or `.parquet`.

    Raises:
        ReadError: the file cannot be read, or no row of it can be taken.
        ColumnError: it has no column `text` or no column `labels`.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "texts.jsonl"
    ...     _ = path.write_text('{"text": "两门冰箱", "labels": "家电 > 冰箱", "split": "train"}', encoding="utf-8")
    ...     read_labelled(path).rows()
    [('两门冰箱', None, ['家电 > 冰箱'], 'train')]
    """
    _need_file(Path(path))
    reader = BatchReader({"labels": path})
    parts = [batch.rows for batch in reader if batch.table == "labels"]
    if reader.summary.rejected:
        _LOG.warning("%s", reader.summary.text(system_language()))
    if not parts:
        raise ReadError(f"{path} has no rows; one labelled text at least was wanted")
    return conform(pl.concat(parts), "labels").select(*LABELS)


def read_texts(path: Path | str) -> list[str]:
    """The texts of a file, in its order: one a line of a `.txt`, else its column `text`; blank ones are left out.

    Raises:
        ReadError: the file cannot be read.
        ColumnError: it has no column `text`.
    """
    path = _need_file(Path(path))
    if path.suffix == _LINES:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ReadError(f"{path} cannot be read as text in UTF-8: {error}") from error
        return [line for line in lines if line.strip()]
    (source,), _ = find_sources({"labels": path}, ReadConfig())
    texts: list[str] = []
    for batch in source.batches:
        if "text" not in batch.rows.columns:
            if not len(batch.rows):
                continue
            raise ColumnError(
                f"{path} has no column 'text'; it has {', '.join(batch.rows.columns)}: rename the one that holds texts"
            )
        texts += [text for text in batch.rows["text"].drop_nulls().to_list() if text.strip()]
    return texts


def _need_file(path: Path) -> Path:
    if not path.is_file():
        raise ReadError(f"there is no file {path}; a .jsonl or .csv of texts was wanted")
    return path
