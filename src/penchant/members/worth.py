"""What is foreseen of each member: chance of coming back, money to expect, risk of leaving and why, and the tier."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import numpy as np
import polars as pl

from penchant.artifacts import load_artifact, save_artifact
from penchant.data.vocabulary import Vocabulary
from penchant.language import Lang, Phrase
from penchant.members.features import told
from penchant.members.rfm import Rfm
from penchant.members.wares import WARES
from penchant.vectors import Floats

KIND: Final = "member-worth"
BY_DATES: Final[dict[str, Phrase]] = {
    "alive": Phrase(
        "chance that they are still customers, by dates alone (BG/NBD)", "仅凭日期推断仍为顾客的概率（BG/NBD）"
    ),
    "expected_orders": Phrase("purchase days to expect, by dates alone (BG/NBD)", "仅凭日期预计的购买天数（BG/NBD）"),
    "expected_mean": Phrase("money a purchase day to expect (Gamma-Gamma)", "预计每购买日消费额（Gamma-Gamma）"),
}
_NAMED: Final = BY_DATES | WARES
_FIFTHS: Final = ("recency", "frequency", "money")
WHY: Final = Phrase("{feature}: {value:,.4g} ({effect})", "{feature}：{value:,.4g}（{effect}）")
RAISES: Final = Phrase("raises the risk", "提高流失风险")
LOWERS: Final = Phrase("lowers the risk", "降低流失风险")


@dataclass(frozen=True, eq=False)
class Worth:
    """What is foreseen of each member who has bought; NaN for those who have not."""

    members: tuple[str, ...]
    at: datetime
    horizon_days: int
    returns: Floats
    """(members,) probability of a purchase within the horizon."""
    spend: Floats
    """(members,) money to expect within it."""
    rfm: Rfm
    reasons: tuple[tuple[tuple[str, float, float], ...], ...]
    """(members,) the strongest features with their value, and what each adds to the log-odds of staying away."""

    @property
    def churn(self) -> Floats:
        """(members,) probability of no purchase within the horizon."""
        return 1 - self.returns

    def why(self, member_id: str, lang: Lang = "en") -> tuple[str, ...]:
        """What speaks for a member's leaving or staying, the strongest first.

        Raises:
            UnknownIdError: there is no such member.
        """
        row = Vocabulary(self.members, name="member").row(member_id)
        return tuple(
            WHY(lang, feature=_named(name, lang), value=value, effect=(RAISES if effect > 0 else LOWERS)(lang))
            for name, value, effect in self.reasons[row]
        )

    def table(self) -> pl.DataFrame:
        """member_id, returns, churn, spend, cell and tier, those worth most first."""
        return pl.DataFrame(
            {
                "member_id": self.members,
                "returns": pl.Series(self.returns).fill_nan(None),
                "churn": pl.Series(self.churn).fill_nan(None),
                "spend": pl.Series(self.spend).fill_nan(None),
                "cell": self.rfm.cells,
                "tier": self.rfm.tiers,
            }
        ).sort("spend", "member_id", descending=[True, False], nulls_last=True)

    def save(self, folder: Path | str) -> None:
        """Write what is foreseen to a folder."""
        features = sorted({name for why in self.reasons for name, _, _ in why})
        place = {name: number for number, name in enumerate(features, start=1)}
        told = max((len(why) for why in self.reasons), default=0)
        # Zero stands for none, so that the row of a member who is forgotten says nothing.
        numbers = np.zeros((len(self.members), told), dtype=np.int16)
        given = np.zeros((len(self.members), told, 2), dtype=np.float64)
        for row, why in enumerate(self.reasons):
            for turn, (name, value, effect) in enumerate(why):
                numbers[row, turn], given[row, turn] = place[name], (value, effect)
        rows: dict[str, np.ndarray] = {
            "returns": self.returns,
            "spend": self.spend,
            "reasons": numbers,
            "reasons_given": given,
        }
        rows |= {name: getattr(self.rfm, name) for name in _FIFTHS}
        meta = {
            "members": list(self.members),
            "at": self.at.isoformat(),
            "horizon_days": self.horizon_days,
            "features": features,
        }
        arrays = {f"member_{name}": array for name, array in rows.items()}
        save_artifact(Path(folder), KIND, arrays=arrays, meta=meta)

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Read what `save` wrote.

        Raises:
            ArtifactError: the folder is damaged or holds something else.
        """
        saved = load_artifact(Path(folder), KIND)
        meta, arrays = saved.meta, {name.removeprefix("member_"): array for name, array in saved.arrays.items()}
        reasons = tuple(
            tuple((meta["features"][number - 1], value, effect) for number, (value, effect) in why if number)
            for why in (
                zip(numbers, given, strict=True)
                for numbers, given in zip(arrays["reasons"].tolist(), arrays["reasons_given"].tolist(), strict=True)
            )
        )
        # Of whoever never bought nothing is foreseen, and nobody else has no fifths.
        never = arrays["recency"] == 0
        arrays["returns"][never] = arrays["spend"][never] = np.nan
        return cls(
            tuple(meta["members"]), datetime.fromisoformat(meta["at"]), meta["horizon_days"], arrays["returns"],
            arrays["spend"], Rfm(*(arrays[name] for name in _FIFTHS)), reasons,
        )  # fmt: skip


def _named(name: str, lang: Lang) -> str:
    return _NAMED[name](lang) if name in _NAMED else told(name, lang)
