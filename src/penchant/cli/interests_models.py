"""What the commands of `penchant interests` have in common: the language model, the labeller, how a command runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from penchant.cli.face import Face
from penchant.cli.speech import both
from penchant.errors import NotBuiltError
from penchant.language import Phrase
from penchant.workspace import CONFIG_FILE, Workspace

if TYPE_CHECKING:
    from penchant.interests.labeller import Labeller
    from penchant.text.encoder import Encoder
    from penchant.training.options import Options

ENCODER: Final = both(
    "The language model; the workspace's, or e5-small.", "所用语言模型；默认为工作区的设置，否则为 e5-small。"
)
SEED: Final = both("Seed of all that is random.", "随机种子。")
JOINT: Final = Phrase(", ", "、")


def labeller_in(place: Path) -> "Labeller":
    """The labeller of a folder that `train` wrote, or of a workspace's current build.

    Raises:
        NotBuiltError: the workspace has no build, or its build trained no labeller.
        ArtifactError: the folder holds no labeller.
    """
    from penchant.interests.labeller import Labeller

    if not (place / CONFIG_FILE).is_file():
        return Labeller.load(place)
    build = Workspace.open(place).require_current()
    labeller = build.interests().labeller
    if labeller is None:
        raise NotBuiltError(
            f"build {build.version} of {place} took interests from the items' own categories, and trained no labeller; "
            f"train one with `penchant interests train {place} --into FOLDER`, and name that folder"
        )
    return labeller


def encoder_named(name: str, vectors: Path, options: "Options") -> "Encoder":
    """A language model by name, with vectors kept in a folder so that no text is encoded twice."""
    from penchant.text.cache import CachedEncoder
    from penchant.text.transformer import load_encoder

    return CachedEncoder(load_encoder(name, options=options), vectors, shown=options.progress)


def run_options(speaker: Face, *, seed: int = 0) -> "Options":
    """How a command of this group runs: as `penchant build` does."""
    from penchant.settings import settings
    from penchant.training.options import Options

    return Options(seed=seed, threads=settings().threads, progress=speaker.err.is_terminal)
