"""Logs as one JSON object a line, with nothing personal in them."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, Final

_MAIL: Final = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
_KEY: Final = re.compile(r"pnc_([0-9a-f]{12})_[\w-]+")
_DIGITS: Final = re.compile(r"(?<![\w.])\+?\d[\d -]{8,20}\d(?![\w.])")
_LONG: Final = 9
"""Digits of a number that may be somebody's; a date has eight."""
_ADDRESS: Final = re.compile(r"(://[^:/@\s]+):[^@\s]+@")


def masked(text: str) -> str:
    """A text without mail addresses, long numbers (telephones, cards, identity numbers), keys and passwords.

    >>> masked("ann@example.org +86 138 0013 8000 pnc_0123456789ab_secret postgresql://u:pw@host/shop")
    '[mail] [number] pnc_0123456789ab_… postgresql://u:…@host/shop'
    """
    text = _KEY.sub(r"pnc_\1_…", text)
    text = _ADDRESS.sub(r"\1:…@", text)
    text = _MAIL.sub("[mail]", text)
    return _DIGITS.sub(lambda found: "[number]" if sum(map(str.isdigit, found[0])) >= _LONG else found[0], text)


def short_address(address: str) -> str:
    """An address without its last part, so that it tells of a network and not of a person.

    >>> short_address("203.0.113.77"), short_address("2001:db8::1")
    ('203.0.113.0', '2001:db8::')
    """
    if ":" in address:
        return ":".join(address.split(":")[:2]) + "::"
    head, dot, _ = address.rpartition(".")
    return f"{head}.0" if dot else address


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, what happened, and what else is told of it."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "what": masked(record.getMessage()),
        }
        for name, value in getattr(record, "told", {}).items():
            line[name] = masked(value) if isinstance(value, str) else value
        if record.exc_info:
            # Values of variables never stand in a traceback, and its last line is masked.
            line["traceback"] = masked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False, default=str)


def set_up(level: str = "INFO") -> None:
    """Write what the service and its server log to standard error, as lines of JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    for name in ("penchant", "uvicorn"):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
    # The gate tells of each request, with its route in place of its path.
    logging.getLogger("uvicorn.access").disabled = True
