"""A service in a process of its own, as a team would run it: to be loaded, killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from penchant.errors import StorageError
from penchant.service.migrations import upgrade
from penchant.service.security.keys import Keyring, Scope
from penchant.workspace import Workspace


class Running:
    """`penchant serve` over a workspace, on a free port of this machine.

    Args:
        workspace: with a build.
        log: where its log goes.
        options: further words of the command line.
    """

    def __init__(self, workspace: Workspace, log: Path, *options: str) -> None:
        self.workspace = workspace
        self.log = log
        self.options = options
        self.port = free_port()
        with workspace.store() as store:
            upgrade(store.database)
            _, self.key = Keyring(store.database, store.tenant).make("bench", list(Scope))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self._process is not None, "start it first"
        return self._process.pid

    def start(self, *, patience: float = 120.0) -> float:
        """Start, and wait until it says that it is ready; how many seconds that took.

        Raises:
            StorageError: it did not become ready.
        """
        words = [
            sys.executable, "-m", "penchant.cli", "serve", str(self.workspace.path), "--port", str(self.port),
            *self.options,
        ]  # fmt: skip
        started = time.monotonic()
        with self.log.open("ab") as stream:
            # A group of its own, so that its workers can be killed with it.
            self._process = subprocess.Popen(words, stdout=stream, stderr=stream, start_new_session=True)
        while time.monotonic() - started < patience:
            if self.ready():
                return time.monotonic() - started
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        told = self.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
        raise StorageError(f"the service did not become ready within {patience:g} s; its log ends: {told}")

    def ready(self) -> bool:
        """Whether it says so now."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ready", timeout=2) as answer:
                return answer.status == 200
        except (OSError, urllib.error.HTTPError):
            return False

    def kill(self) -> None:
        """End it at once and without warning, workers and all."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self, *, patience: float = 30.0) -> int:
        """Ask it to stop, and wait; its exit code."""
        if self._process is None or self._process.poll() is not None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def ask(self, method: str, path: str, body: Any = None, *, seconds: float = 20, **headers: str) -> tuple[int, Any]:
        """One request; status and JSON."""
        status, told, _ = self.answer(method, path, body, seconds=seconds, **headers)
        return status, told

    def answer(
        self, method: str, path: str, body: Any = None, *, seconds: float = 20, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """One request; status, JSON and headers, their names in small letters."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **headers},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return answer.status, json.loads(answer.read() or b"null"), _lower(answer.headers)
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null"), _lower(error.headers)

    def rss_mb(self) -> float:
        """Memory that it holds now, in MB of 10^6 bytes; of its first process."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        return 0.0


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
