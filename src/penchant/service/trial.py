"""A second build on some members, and which of them get its answers."""

import hashlib
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Arm = Literal["control", "treatment"]


class Trial(BaseModel):
    """A second build that answers some members: a canary where few, an A/B test where many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64, pattern=r"^[\w.-]+$")
    """Salts the split, so that two trials divide members independently."""
    version: str
    """The build on trial."""
    against: str
    """The build that answered when the trial began."""
    share: float = Field(gt=0, lt=1)
    """Of the members, those whom the trial's build answers."""
    started_at: datetime

    def arm(self, member_id: str) -> Arm:
        """Whose answer a member gets: always the same one, and as good as drawn.

        >>> trial = Trial(name="t", version="2", against="1", share=0.25, started_at="2026-01-01T00:00:00Z")
        >>> round(sum(trial.arm(f"m{row}") == "treatment" for row in range(4_000)) / 4_000, 1)
        0.3
        """
        digest = hashlib.sha256(f"{self.name}\0{member_id}".encode()).digest()
        return "treatment" if int.from_bytes(digest[:8]) < self.share * 2**64 else "control"
