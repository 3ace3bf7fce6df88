"""Social as a whole: the model of taste, whom to suggest to whom, and what to ask newcomers, kept together."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import polars as pl

from penchant.artifacts import write_atomically
from penchant.data.community import Community
from penchant.data.social import SocialVectors
from penchant.errors import ArtifactError, TooLittleDataError
from penchant.language import Lang, Phrase
from penchant.social.config import SocialConfig
from penchant.social.friends import Friends
from penchant.social.model import SocialModel
from penchant.social.newcomer_tuning import tuned
from penchant.social.newcomers import Newcomers
from penchant.social.recipe import train
from penchant.text.encoder import Encoder
from penchant.training.options import Options

_NOTE: Final = "social.json"

REASONS: Final = {
    "no ties": Phrase(
        'not built: the community has no ties between members; set enabled = "always" under [social] to learn from '
        "texts and events alone",
        '未构建：社区没有会员关系；如需仅依据文本与行为学习，请在 [social] 中设置 enabled = "always"',
    ),
    "switched off": Phrase(
        'not built: the settings say enabled = "never" under [social]',
        '未构建：[social] 中设置了 enabled = "never"',
    ),
    "no likes": Phrase("not built: no event says what anybody likes", "未构建：没有行为能说明任何会员的喜好"),
}
"""Why there may be nothing."""


@dataclass(frozen=True, eq=False)
class Social:
    """Everything that was learned of a community's members among one another."""

    model: SocialModel
    friends: Friends
    newcomers: Newcomers

    @property
    def vectors(self) -> SocialVectors:
        """What other systems take."""
        return self.model.verdicts()

    def on(
        self, community: Community, *, events: pl.DataFrame | None = None, ties: pl.DataFrame | None = None
    ) -> "Social":
        """The same over a community that has moved on: a new tie or event changes the next answer, with no training.

        Args:
            community: as it is now.
            events: rows of `community.events` that are new, if those are known: the graph then grows by just them.
            ties: likewise of `community.ties`.
        """
        model = self.model.on(community, events=events, ties=ties)
        return Social(
            model,
            self.friends.on(community, model.graph),
            self.newcomers.on(model.graph),
        )

    def save(self, folder: Path | str) -> None:
        """Write all of it but the community and the encoder."""
        folder = Path(folder)
        self.model.save(folder / "model")
        self.friends.save(folder / "friends")
        self.newcomers.save(folder / "newcomers")
        self.vectors.save(folder / "vectors")
        write_note(folder, None)

    @classmethod
    def load(cls, folder: Path | str, community: Community, *, encoder: Encoder | None = None) -> Self:
        """Read back what `save` wrote, over the community it was learned from.

        Raises:
            ArtifactError: nothing was learned (the message says why), or the folder is damaged.
        """
        folder = Path(folder)
        reason = why_not(folder, "en")
        if reason is not None:
            raise ArtifactError(f"there is no social model: {reason}")
        model = SocialModel.load(folder / "model", community, encoder=encoder)
        friends = Friends.load(folder / "friends", community, model.graph)
        return cls(model, friends, Newcomers.load(folder / "newcomers", model.graph))


def learn(
    community: Community,
    config: SocialConfig | None = None,
    options: Options | None = None,
    *,
    encoder: Encoder | None = None,
) -> Social:
    """Learn all of it.

    Raises:
        TooLittleDataError: no event says what anybody likes.
    """
    config, options = config or SocialConfig(), options or Options()
    model = train(community, config, options, encoder=encoder)
    # Without the network: it has seen the ties that the order is taught to find, and would be believed in too much.
    friends = Friends(community, model.graph, config.friends).fit(options)
    newcomers = Newcomers.fit(model.graph, tuned(model.graph, config.newcomers, options), options)
    return Social(model, friends, newcomers)


def learn_into(
    folder: Path,
    community: Community,
    config: SocialConfig,
    options: Options,
    *,
    encoder: Encoder | None = None,
) -> None:
    """Learn into the folder of a build; where there is nothing to learn from, a note says why."""
    if reason := _reason(community, config):
        write_note(folder, reason)
        return
    try:
        learn(community, config, options, encoder=encoder).save(folder)
    except TooLittleDataError:
        write_note(folder, "no likes")


def needs_encoder(community: Community, config: SocialConfig) -> bool:
    """Whether learning would read texts."""
    return _reason(community, config) is None and config.use_network and config.network.text


def why_not(folder: Path, lang: Lang) -> str | None:
    """Why a build's folder holds nothing; None where it holds a model.

    Raises:
        ArtifactError: the folder holds neither.
    """
    try:
        reason = json.loads((folder / _NOTE).read_bytes())["reason"]
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(f"{folder} holds nothing of social ({error}); build again") from error
    return REASONS[reason](lang) if reason is not None else None


def write_note(folder: Path, reason: str | None) -> None:
    """Say whether a build's folder holds a model."""
    write_atomically(folder / _NOTE, json.dumps({"reason": reason}).encode())


def _reason(community: Community, config: SocialConfig) -> str | None:
    if config.enabled == "never":
        return "switched off"
    if config.enabled == "auto" and not len(community.ties):
        return "no ties"
    return None
