"""Writes docs/commands.md from the command line's own help: `python docs/commands.py`."""

import os
import subprocess
import sys
from pathlib import Path

COMMANDS = (
    "demo", "data", "read", "build", "report", "interests", "interests strata", "interests explain",
    "interests audience", "interests train", "interests label", "interests discover", "interests suggest",
    "members", "members segments", "members value", "members classify", "members anomalies", "members mask",
    "members export", "members forget", "members expire",
    "drift", "drift scan", "drift explain", "drift fleet", "drift inject",
    "social", "social friends", "social recommend", "social questionnaire", "social explain", "social train",
    "recommend", "recommend refine", "recommend similar", "recommend goes-with", "recommend prefer",
    "recommend explain", "search", "member", "tune", "serve", "keys", "keys make", "keys list", "keys revoke",
    "console user", "console users", "backup", "restore", "bench",
)  # fmt: skip
HEAD = """# Commands

Made from `penchant COMMAND --help` by `python docs/commands.py`; a test holds it current.
`--lang zh` shows the same in Chinese.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | any other failure |
| 2 | what was handed in is wrong: a file, a column, an option, an id |
| 3 | the workspace cannot do it now: busy, not built, disk full, damaged |
| 4 | a model cannot do it |
| 5 | an optional dependency is missing |
| 70 | a fault of Penchant's own |
| 130 | interrupted |
"""


def reference() -> str:
    """The whole page."""
    parts = [HEAD]
    for command in COMMANDS:
        parts.append(f"\n## penchant {command}\n\n```\n{_help(command)}\n```\n")
    return "".join(parts)


def _help(command: str) -> str:
    call = [sys.executable, "-m", "penchant.cli", *command.split(), "--help", "--lang", "en"]
    shown = subprocess.run(call, capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "110"})
    return "\n".join(line.rstrip() for line in shown.stdout.strip("\n").splitlines())


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(reference(), encoding="utf-8")
