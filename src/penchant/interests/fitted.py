"""What a stratifier learns from a whole community, so that one member can be judged anew without the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from penchant.artifacts import load_artifact, save_artifact
from penchant.interests.latent import LatentConfig, LatentModel
from penchant.interests.shares import Prior

KIND: Final = "stratifier"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The community's part in every member's tiers."""

    prior: Prior
    session_correlation: float
    rise: float
    """Log Bayes factor above which an interest is emerging."""
    fall: float
    """Log Bayes factor above which an interest is fading."""
    latent: LatentModel

    def save(self, folder: Path) -> None:
        """Write it to a folder.

        Raises:
            StorageError: the folder cannot be written.
        """
        save_artifact(
            folder,
            KIND,
            arrays={
                "base": self.prior.base,
                "leaves": self.latent.leaves,
                "usual": self.latent.usual,
                "weights": self.latent.weights,
            },
            meta={
                "strength": self.prior.strength,
                "session_correlation": self.session_correlation,
                # A threshold that nothing passes has no word in JSON.
                "rise": str(self.rise),
                "fall": str(self.fall),
            },
        )

    @classmethod
    def load(cls, folder: Path, latent: LatentConfig) -> "Fitted":
        """Read what `save` wrote.

        Args:
            folder: what `save` wrote.
            latent: the rules it was fitted under.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(folder, KIND)
        arrays, meta = saved.arrays, saved.meta
        return cls(
            Prior(arrays["base"], meta["strength"]),
            meta["session_correlation"],
            float(meta["rise"]),
            float(meta["fall"]),
            LatentModel(arrays["leaves"], arrays["usual"], arrays["weights"], latent),
        )
