"""What differs from machine to machine, from environment variables that start with `PENCHANT_`.

Library calls take what they need as arguments; only the faces (command line, service) read settings.
"""

from functools import cache
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Machine settings; each field is the environment variable `PENCHANT_<FIELD>`.

    >>> Settings(threads=1).threads
    1
    """

    model_config = SettingsConfigDict(env_prefix="PENCHANT_", extra="ignore")

    data: Path | None = None
    """Folder of public data sets for benchmarks and tests."""
    cache: Path = Field(default_factory=lambda: Path.home() / ".cache" / "penchant")
    """Folder of expanded language-model weights, shared by all workspaces of the user."""
    lang: str | None = None
    """`en` or `zh`; the locale decides where it is not set."""
    threads: int | None = Field(default=None, ge=1)
    """Threads for numerical work; all cores where it is not set."""


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
