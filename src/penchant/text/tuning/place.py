"""Where a run of tuning keeps what it would need to go on, and who is told how it goes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Tracker = Literal["tensorboard", "wandb"]


@dataclass(frozen=True)
class Place:
    """Where a run keeps its checkpoints and logs, and whether it goes on from them."""

    folder: Path | None = None
    """None keeps nothing: an interrupted run starts anew."""
    checkpoint_steps: int | None = None
    """Optimiser steps between checkpoints; None makes one at the end of each epoch."""
    trackers: tuple[Tracker, ...] | None = None
    """Where the course of training is logged, besides the report; None is TensorBoard where it is installed."""
    resume: bool = True
    """Go on from the last whole checkpoint in the folder, if there is one."""

    def below(self, name: str) -> "Place":
        """The same, in a folder inside this one."""
        folder = self.folder / name if self.folder is not None else None
        return Place(folder, self.checkpoint_steps, self.trackers, self.resume)
