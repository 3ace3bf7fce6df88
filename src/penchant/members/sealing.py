"""Pieces of text sealed so that only a key opens them: AES-SIV (RFC 5297), which gives equal pieces equal seals."""

import base64
import binascii
import re
from typing import Final

from penchant.errors import ConfigError

KEY_BYTES: Final = 64
_SEALED: Final = re.compile(r"\[[^\[\]:]{1,20}:(?P<seal>[A-Za-z0-9_-]{22,}={0,2})\]")


def new_key() -> bytes:
    """A random key; whoever holds it can read what was masked with it, so keep it outside of the workspace.

    >>> len(new_key())
    64
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    return AESSIV.generate_key(bit_length=8 * KEY_BYTES)


def key_to_text(key: bytes) -> str:
    """A key as one line of a file."""
    return base64.urlsafe_b64encode(key).decode()


def key_from_text(text: str) -> bytes:
    """A key that `key_to_text` wrote.

    Raises:
        ConfigError: it is none.
    """
    try:
        key = base64.urlsafe_b64decode(text.strip().encode())
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"the key is no base64 ({error}); make one with `penchant members mask --new-key`") from None
    Seal(key)
    return key


class Seal:
    """Closes pieces of text with a key and opens them again.

    Raises:
        ConfigError: the key has another length.
    """

    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        if len(key) != KEY_BYTES:
            raise ConfigError(f"the key has {len(key)} bytes, and {KEY_BYTES} are wanted; `new_key` makes one")
        self._cipher = AESSIV(key)

    def close(self, piece: str) -> str:
        """The piece, sealed, in letters that no recogniser takes for anything."""
        return base64.urlsafe_b64encode(self._cipher.encrypt(piece.encode("utf-8", "surrogatepass"), None)).decode()

    def open_all(self, text: str) -> str:
        """The text with every sealed piece opened in its place.

        Raises:
            ConfigError: a piece was sealed with another key.
        """
        return _SEALED.sub(lambda match: self._opened(match["seal"]), text)

    def _opened(self, seal: str) -> str:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(base64.urlsafe_b64decode(seal), None).decode("utf-8", "surrogatepass")
        except (InvalidTag, binascii.Error, ValueError):
            raise ConfigError(
                "a piece was sealed with another key; pass the key that the text was masked with"
            ) from None
