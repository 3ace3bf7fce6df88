"""Text files as blocks of whole lines in UTF-8, whatever they were written in, with the damaged lines named."""

import codecs
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from gzip import GzipFile
from pathlib import Path
from typing import IO, Final, cast

from penchant.data.rejections import Reason
from penchant.errors import ReadError

BLOCK_BYTES: Final = 8 << 20
LONGEST_LINE: Final = 32 << 20
"""Bytes; a longer line is rejected, so that a file without line ends cannot fill the memory."""

BY_LINE: Final = "utf-8 or gb18030"
"""Each line is UTF-8, or else GB18030: files are often put together from several."""

_GZIP: Final = b"\x1f\x8b"
_BOMS: Final = (
    (codecs.BOM_UTF8, BY_LINE),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FOREIGN: Final = (
    (b"PAR1", "a Parquet file; give it the suffix .parquet"),
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook; unpack it, or export the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; export the sheet as CSV"),
    (b"SQLite format 3", "an SQLite database; read it by the URL sqlite:///path"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it, or compress it with gzip"),
    (b"BZh", "compressed with bzip2; unpack it, or compress it with gzip"),
    (b"\xfd7zXZ", "compressed with xz; unpack it, or compress it with gzip"),
)
_REPLACEMENT: Final = "\ufffd".encode()


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, each ended by a line feed alone."""

    data: bytes
    first_line: int
    damaged: dict[int, tuple[Reason, str]] = field(default_factory=dict)
    """Lines (numbered in the file, from 1) that hold what no text holds, and why."""


class TextFile:
    """One text file, gzipped or not, in any encoding; iterate for its blocks.

    Args:
        path: the file.
        encoding: a Python codec, or `auto`: byte-order marks and zero bytes tell UTF-16 and UTF-32, all else is read
            line by line as UTF-8 or, where it is not that, as GB18030.

    Raises:
        ReadError: it cannot be opened, is another kind of file, or its compression is broken off.
    """

    def __init__(self, path: Path, encoding: str = "auto") -> None:
        self.path = path
        self.encoding = encoding
        """What was asked for, and once the first block is there what was found."""
        self.chinese_lines = 0
        """Lines so far that were in GB18030 where the file did not say so."""
        self.size = path.stat().st_size if path.exists() else 0
        self._raw: IO[bytes] | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes of the file read so far, as stored: for progress."""
        return self._raw.tell() if self._raw is not None and not self._raw.closed else self.size

    @property
    def note(self) -> str:
        """The encoding found, where it is not UTF-8 throughout; to be asked at the end."""
        if self.encoding != BY_LINE:
            return "" if self.encoding in ("utf-8", "auto") else self.encoding
        return f"utf-8, {self.chinese_lines:,} lines as gb18030" if self.chinese_lines else ""

    def __iter__(self) -> Iterator[Block]:
        try:
            with self.path.open("rb") as self._raw:
                yield from self._blocks(self._raw)
        except (EOFError, zlib.error) as error:
            raise ReadError(
                f"{self.path} ends in the middle of its compression or is damaged ({error}): part of it is missing. "
                "Copy it again from where it came"
            ) from error
        except OSError as error:
            raise ReadError(f"{self.path} cannot be read: {error.strerror or error}") from error

    def _blocks(self, raw: IO[bytes]) -> Iterator[Block]:
        zipped = raw.read(2) == _GZIP
        raw.seek(0)
        if not zipped and self.path.suffix == ".gz" and self.size:
            raise ReadError(f"{self.path} is named .gz but is not compressed with gzip; rename it, or compress it")
        stream = cast(IO[bytes], GzipFile(fileobj=raw)) if zipped else raw
        line = 1
        for data, broken_off in self._lines(self._text(stream)):
            damaged: dict[int, tuple[Reason, str]] = {}
            data = self._repaired(data, line, damaged)
            if broken_off:
                damaged[line] = (Reason.TOO_LONG, f"more than {LONGEST_LINE:,} bytes without a line end")
            yield Block(data, line, damaged)
            line += data.count(b"\n")

    def _text(self, stream: IO[bytes]) -> Iterator[bytes]:
        """Chunks of bytes; those of a known encoding are turned into UTF-8, others stay for `_repaired`."""
        chunk = stream.read(BLOCK_BYTES)
        for magic, what in _FOREIGN:
            if chunk.startswith(magic):
                raise ReadError(f"{self.path} is {what}")
        if self.encoding == "auto":
            self.encoding, mark = _detected(chunk)
            chunk = chunk[mark:]
        if self.encoding == BY_LINE:
            while chunk:
                yield chunk
                chunk = stream.read(BLOCK_BYTES)
            return
        # What the encoding does not have leaves a mark, and its line is rejected for it.
        decoder = codecs.getincrementaldecoder(self.encoding)(errors="replace")
        first = True
        while chunk:
            text = decoder.decode(chunk)
            yield (text.removeprefix("\ufeff") if first else text).encode("utf-8", "replace")
            first = False
            chunk = stream.read(BLOCK_BYTES)
        yield decoder.decode(b"", final=True).encode("utf-8", "replace")

    def _repaired(self, data: bytes, first_line: int, damaged: dict[int, tuple[Reason, str]]) -> bytes:
        """The lines in true UTF-8; those that hold NUL bytes, or what is no text, are named in `damaged`."""
        if self.encoding == BY_LINE:
            try:
                data.decode()
            except UnicodeDecodeError:
                lines = data.split(b"\n")
                data = b"\n".join(self._in_utf8(text, first_line + at, damaged) for at, text in enumerate(lines))
        elif _REPLACEMENT in data:
            for line, text in enumerate(data.split(b"\n"), start=first_line):
                if _REPLACEMENT in text:
                    damaged[line] = (Reason.ENCODING, f"bytes that are not {self.encoding}")
        if b"\0" in data:
            for line, text in enumerate(data.split(b"\n"), start=first_line):
                if b"\0" in text:
                    damaged[line] = (Reason.NUL_BYTE, "a NUL byte")
        return data

    def _in_utf8(self, text: bytes, line: int, damaged: dict[int, tuple[Reason, str]]) -> bytes:
        try:
            text.decode()
            return text
        except UnicodeDecodeError as error:
            wrong = text[error.start : error.start + 4]
        try:
            chinese = text.decode("gb18030").encode()
        except UnicodeDecodeError:
            chinese = b""
        if chinese and _is_plausible_chinese(text):
            self.chinese_lines += 1
            return chinese
        damaged[line] = (
            Reason.ENCODING,
            f"bytes {wrong.hex(' ')} are neither UTF-8 nor GB18030; name the file's encoding in penchant.toml, such as "
            'encoding = "cp1252"',
        )
        return text.decode(errors="backslashreplace").encode()

    def _lines(self, chunks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Chunks cut at line ends, all of them line feeds; true beside a line whose rest was thrown away."""
        carry = b""
        skipping = mac = False
        for number, chunk in enumerate(chunks):
            if number == 0:
                mac = b"\n" not in chunk and b"\r" in chunk[:-1]
            data = carry + (chunk.replace(b"\r", b"\n") if mac else chunk)
            if skipping:
                end = data.find(b"\n")
                if end < 0:
                    carry = b""
                    continue
                data, skipping = data[end + 1 :], False
            end = data.rfind(b"\n") + 1
            if end:
                yield _line_feeds(data[:end]), False
            carry = data[end:]
            if len(carry) > LONGEST_LINE:
                yield carry[:1000] + b"\n", True
                carry, skipping = b"", True
        if carry:
            yield _line_feeds(carry + b"\n"), False


def _line_feeds(data: bytes) -> bytes:
    return re.sub(rb"\r+\n", b"\n", data) if b"\r" in data else data


def _detected(start: bytes) -> tuple[str, int]:
    """Encoding and length of the byte-order mark; without one, zero bytes in every other place tell UTF-16."""
    for bom, name in _BOMS:
        if start.startswith(bom):
            return name, len(bom)
    head = start[:4096]
    if len(head) >= 8:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        if odd > len(head) // 8 > even * 4:
            return "utf-16-le", 0
        if even > len(head) // 8 > odd * 4:
            return "utf-16-be", 0
    return BY_LINE, 0


_COMMON_CHINESE: Final = re.compile(rb"[\xa1-\xf7][\xa1-\xfe]")


def _is_plausible_chinese(text: bytes) -> bool:
    """GB18030 makes characters of almost any bytes, but common ones (those of GB 2312) only of Chinese text.

    In Western text in Latin-1 the accented letters stand alone between ASCII ones, and come out as rare characters.

    >>> _is_plausible_chinese("冰箱, 2000元".encode("gb18030")), _is_plausible_chinese("cafés".encode("latin-1"))
    (True, False)
    """
    rest, common = _COMMON_CHINESE.subn(b"", text)
    return common > sum(byte >= 0x80 for byte in rest)
