"""What members' data may be used for, and how long they are kept: the section `[members.privacy]` of the settings."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.data.consent import Consent
from penchant.data.segments import Segments
from penchant.members.masking import MaskingConfig, mask
from penchant.members.noise import kept_counts
from penchant.members.sections import Configured, members_section

PRIVATE_COUNTS: Final = "private-counts.json"
"""A file of the workspace with the counts that were drawn."""


class PrivacyConfig(BaseModel):
    """How members' data are handled.

    >>> PrivacyConfig().consent, PrivacyConfig(keep_texts_days=90).keep_events_days
    ('unless_refused', None)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    consent: Consent = "unless_refused"
    """Whether members who were never asked count as agreeing; those who refused never do."""
    mask_texts: bool = False
    """Whether personal data in what members write are masked before it is stored."""
    masking: MaskingConfig = MaskingConfig()
    """What is masked, in texts that are stored and in logs."""
    keep_events_days: PositiveInt | None = None
    """Events older than this are deleted by `penchant members expire`; None keeps them."""
    keep_texts_days: PositiveInt | None = None
    """What members wrote or searched for longer ago than this is deleted, and the event kept."""
    keep_logs_days: PositiveInt | None = None
    """Lines of logs, rejected rows and the audit log older than this are deleted."""
    private_reports: bool = False
    """Whether reports and exported tables show counts of members in segments with noise, and nothing of segments that
    points to single members: no map, no typical members, nobody's moves."""
    epsilon: PositiveFloat = Field(default=1.0, le=20)
    """How much one member may show in those counts of one build: the budget of differential privacy; less is more
    private."""


def text_mask(config: PrivacyConfig) -> Callable[[str], str] | None:
    """What takes personal data out of a text before it is stored; None where the settings do not ask for it."""
    if not config.mask_texts:
        return None
    return lambda text: mask(text, config.masking).text


class MaskingFilter(logging.Filter):
    """Masks personal data in whatever a logger writes: `logger.addFilter(MaskingFilter())`.

    >>> record = logging.LogRecord("shop", logging.INFO, "", 0, "called %s", ("13912345678",), None)
    >>> MaskingFilter().filter(record), record.getMessage()
    (True, 'called [mobile number]')
    """

    def __init__(self, config: MaskingConfig | None = None) -> None:
        super().__init__()
        self.config = config

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, masked."""
        record.msg, record.args = mask(record.getMessage(), self.config).text, ()
        return True


def private_sizes(config: Configured, folder: Path, build: str, segments: Segments) -> dict[int, int] | None:
    """How many members segments are said to have; None where settings do not ask for noise.

    Args:
        config: the settings.
        folder: of the workspace, where what was drawn is kept.
        build: its version.
        segments: of the build.

    Raises:
        ConfigError: something in the settings has no meaning.
        ArtifactError: what was drawn before cannot be read.
    """
    found = privacy_config(config)
    if not found.private_reports:
        return None
    counts = {str(one.number): one.size for one in segments}
    drawn = kept_counts(folder / PRIVATE_COUNTS, f"build {build}", counts, found.epsilon)
    return {int(number): count for number, count in drawn.items()}


def privacy_config(config: Configured) -> PrivacyConfig:
    """What `[members.privacy]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    return members_section(config, "privacy", PrivacyConfig)
