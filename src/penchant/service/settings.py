"""How the service runs: where it listens, what it takes, how much of it, and how long."""

import tomllib
from pathlib import Path
from typing import Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from penchant.errors import ConfigError
from penchant.workspace import Workspace

LOCAL_HOSTS: Final = ("127.0.0.1", "::1", "localhost")


class LimitsConfig(BaseModel):
    """What one request, one key and one address may ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    body_bytes: PositiveInt = 1_000_000
    """Longest body; a longer one is refused with 413 before it is read to its end."""
    body_seconds: PositiveFloat = 10.0
    """A body that takes longer to arrive is refused with 408."""
    answer_seconds: PositiveFloat = 20.0
    """An answer that takes longer is given up with 503."""
    store_seconds: PositiveFloat = 5.0
    """A batch that is not on disk by then is given up with 503; until the store answers, the next are refused at
    once."""
    events: PositiveInt = 1_000
    """Events in one batch."""
    items: PositiveInt = 1_000
    """Items in one batch."""
    k: PositiveInt = 200
    """Longest list."""
    per_key: PositiveFloat = 2_000.0
    """Requests a second that a key may keep up; in bursts, five times as many at once."""
    per_address: PositiveFloat = 2_000.0
    """Requests a second that an address may keep up."""
    failures_per_minute: PositiveFloat = 30.0
    """Requests a minute without a valid key, and attempts to log in, that an address may make."""
    waiting_seconds: PositiveFloat = 2.0
    """How long a request may wait for its turn; one that would wait longer is told with 429 when to come back."""
    waiting_answers: PositiveInt = 64
    """Answers that may wait for their turn; the next request is told the same."""
    waiting_batches: PositiveInt = 512
    """Batches of events that may wait to be written."""


class ServiceSettings(BaseModel):
    """One service over one workspace.

    >>> ServiceSettings().host, ServiceSettings().port
    ('127.0.0.1', 8765)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    """Where it listens. An address that others can reach needs keys and TLS."""
    port: int = Field(default=8765, ge=0, le=65535)
    """0 takes a free one."""
    workers: PositiveInt = 1
    """Processes that answer; more than one needs PostgreSQL."""
    certificate: Path | None = None
    """TLS certificate in PEM; with `private_key`."""
    private_key: Path | None = None
    """The key of the certificate."""
    behind_proxy: bool = False
    """A proxy in front speaks TLS: its X-Forwarded-For and -Proto are believed, those of nobody else."""
    public_without_tls: bool = False
    """Listen on a public address in the clear all the same."""
    open: bool = False
    """Ask for no key: whoever reaches the service may do everything. For trying things out on one machine."""
    origins: tuple[str, ...] = ()
    """Web pages that may call from a browser, such as `https://shop.example`."""
    limits: LimitsConfig = LimitsConfig()
    language_model: bool = True
    """Load the build's language model, for queries, texts and new items; without it, items are found by words alone."""
    follow_builds: bool = True
    """Switch by itself when `penchant build` has finished a new build."""
    poll_seconds: PositiveFloat = 1.0
    """How often keys, the current build and the split are looked up again."""
    stop_seconds: PositiveInt = 20
    """How long requests that have begun may go on when the service is asked to stop."""
    answer_threads: PositiveInt = 1
    """Threads that make answers; more than cores gain nothing."""
    people_kept: NonNegativeInt = 20_000
    """Members whose history is kept ready for ranking."""
    session_hours: PositiveFloat = 12.0
    """How long a login to the console lasts."""
    alert_rules: Path | None = None
    """A YAML file of alert rules; `alerts.yaml` in the workspace if absent, and none where that is not there."""
    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    tracing: bool = False
    """Send spans by OpenTelemetry, where its SDK is installed and set up by its own environment variables."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("TLS needs both a certificate and its private key")
        return self

    @classmethod
    def read(cls, workspace: Workspace, **given: Any) -> Self:
        """The section `[service]` of a workspace's settings, with what is given in its place.

        Raises:
            ConfigError: something in it has no meaning.
        """
        try:
            document = tomllib.loads(workspace.config_path.read_text(encoding="utf-8-sig"))
            return cls.model_validate({**document.get("service", {}), **given})
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, one['loc'])) or 'service'}: {one['msg']}" for one in error.errors()]
            raise ConfigError(
                f"{workspace.config_path} and the options have settings of [service] without meaning: "
                f"{'; '.join(problems)}"
            ) from None

    def check(self, *, has_keys: bool, on_sqlite: bool) -> None:
        """Make sure that nobody is let in by mistake.

        Args:
            has_keys: whether there is a key that opens anything.
            on_sqlite: whether the store is a file.

        Raises:
            ConfigError: what stands against starting, and what to do.
        """
        if self.workers > 1 and on_sqlite:
            raise ConfigError(
                f"{self.workers} workers need PostgreSQL, and this workspace keeps its data in a SQLite file; set "
                "[store] url in penchant.toml, or take one worker"
            )
        if self.open and not self.is_local:
            raise ConfigError(f"a service without keys may listen on this machine alone, and not on {self.host}")
        if not self.is_local and not has_keys:
            raise ConfigError(
                f"{self.host} can be reached by others and there is no key yet; make one with `penchant keys make`"
            )
        if not self.is_local and not self.speaks_tls and not self.public_without_tls:
            raise ConfigError(
                f"{self.host} can be reached by others and nothing encrypts what travels; give a certificate and its "
                "private key, say that a proxy in front does it (--behind-proxy), or allow it (--public-without-tls)"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in LOCAL_HOSTS

    @property
    def speaks_tls(self) -> bool:
        """Whether what travels is encrypted, by the service or by the proxy in front of it."""
        return self.certificate is not None or self.behind_proxy
