"""What members' data may be used for, and how long they are kept: the section `[members.privacy]` of the settings."""

import logging
from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from penchant.data.consent import Consent
from penchant.members.masking import MaskingConfig, mask
from penchant.members.sections import Configured, members_section


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
    epsilon: PositiveFloat = Field(default=1.0, le=20)
    """How much one member may show in the counts of an exported report: the budget of differential privacy; less is
    more private."""


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


def privacy_config(config: Configured) -> PrivacyConfig:
    """What `[members.privacy]` says.

    Raises:
        ConfigError: something in it has no meaning.
    """
    return members_section(config, "privacy", PrivacyConfig)
