"""Which rows of a batch fail, and for what: the bookkeeping behind the door."""

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from penchant.data.batches import RawBatch
from penchant.data.rejections import Reason, shortened
from penchant.data.values import as_text

_REPEATED: Final = -1
_LONGEST_DETAIL: Final = 80
Detail = str | Callable[[pl.Series], pl.Series]


class Failures:
    """Which rows of a batch fail, each for the first of its reasons."""

    def __init__(self, size: int) -> None:
        self.codes = np.zeros(size, dtype=np.int16)
        self.cases: list[tuple[Reason, Detail]] = []

    def mark(self, failing: pl.Series | NDArray[np.bool_], reason: Reason, detail: Detail) -> None:
        """Fail the rows where `failing` is true; `detail` is about all of them, or makes words for each."""
        mask = failing.fill_null(False).to_numpy() if isinstance(failing, pl.Series) else failing
        hits = mask & (self.codes == 0)
        if hits.any():
            self.cases.append((reason, detail))
            self.codes[hits] = len(self.cases)

    def pass_over(self, repeating: NDArray[np.bool_]) -> None:
        """Rows that only say again what is known neither pass nor fail, whatever else is wrong with them."""
        self.codes[repeating] = _REPEATED

    @property
    def repeated(self) -> int:
        """How many rows were passed over."""
        return int((self.codes == _REPEATED).sum())

    @property
    def passing(self) -> NDArray[np.bool_]:
        """(rows,) true where no check has failed so far."""
        return self.codes == 0

    @property
    def failing(self) -> NDArray[np.bool_]:
        """(rows,) true where a check has failed."""
        return self.codes > 0

    def table(self, batch: RawBatch) -> pl.DataFrame:
        """The failing rows as the log wants them."""
        rejected = []
        for code, (reason, detail) in enumerate(self.cases, start=1):
            failing = pl.Series(self.codes == code)
            if not failing.any():
                continue
            if isinstance(detail, str):
                about = pl.Series([detail]).new_from_index(0, int(failing.sum()))
            else:
                about = detail(failing)
            found = batch.rows.filter(failing)
            cells = pl.DataFrame([as_text(found[name]) for name in found.columns]).select(shortened(pl.all()))
            rejected.append(
                pl.DataFrame(
                    {
                        "line": batch.lines.filter(failing),
                        "reason": pl.Series([reason.value]).new_from_index(0, len(cells)),
                        "detail": about,
                        "row": cells.to_struct(),
                    }
                )
            )
        return pl.concat(rejected).sort("line")


def described(name: str, cells: pl.Series) -> Callable[[pl.Series], pl.Series]:
    """Words about cells, made only for the rows that need them."""

    def words(rows: pl.Series) -> pl.Series:
        texts = pl.DataFrame({"cell": as_text(cells.filter(rows))})
        return texts.select(pl.format("{} {}", pl.lit(name), shortened(pl.col("cell"), _LONGEST_DETAIL))).to_series()

    return words
