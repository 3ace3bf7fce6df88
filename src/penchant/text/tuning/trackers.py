"""Who follows a run besides its report: TensorBoard, or Weights & Biases."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

from transformers import TrainerCallback

from penchant.errors import MissingExtraError
from penchant.text.tuning.place import Place, Tracker


def trackers(folder: Path, place: Place) -> Iterator[TrainerCallback]:
    """A callback for each tracker of the place; TensorBoard's logs lie in the folder. None where nothing is kept.

    Raises:
        MissingExtraError: a tracker is asked for by name, and is not installed.
    """
    if place.folder is None:
        return
    usual: tuple[Tracker, ...] = ("tensorboard",) if importlib.util.find_spec("tensorboard") else ()
    for tracker in usual if place.trackers is None else place.trackers:
        if tracker == "tensorboard":
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                raise MissingExtraError("tensorboard", "train") from None
            from transformers.integrations import TensorBoardCallback

            yield TensorBoardCallback(SummaryWriter(str(folder / "logs")))
        else:
            from transformers.integrations import WandbCallback, is_wandb_available

            if not is_wandb_available():
                raise MissingExtraError("wandb", "wandb")
            yield WandbCallback()
