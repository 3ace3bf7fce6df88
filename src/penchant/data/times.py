"""Points in time as others write them, read into UTC: the usual formats, numbers since 1970, zones."""

import re
from datetime import UTC, datetime
from typing import Final

import polars as pl

from penchant.data.columns import AT
from penchant.data.mapping import ColumnSource
from penchant.errors import ColumnError, ConfigError

# The whole column is tried with the format of its first value; only what that leaves goes through the patterns.
_FAST: Final = {
    "dddd-dd-dd dd:dd:dd": "%Y-%m-%d %H:%M:%S",
    "dddd-dd-ddTdd:dd:dd": "%Y-%m-%dT%H:%M:%S",
    "dddd-dd-ddTdd:dd:ddZ": "%Y-%m-%dT%H:%M:%SZ",
    "dddd/dd/dd dd:dd:dd": "%Y/%m/%d %H:%M:%S",
    "dddd-dd-dd": "%Y-%m-%d",
    "dddd/dd/dd": "%Y/%m/%d",
}
_CLOCK: Final = (
    r"(?:(?:[T,]\s*|\s+)(?P<hour>\d{1,2})[:时点](?P<minute>\d{1,2})分?(?::?(?P<second>\d{1,2})秒?(?:[.,](?P<part>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$"
)
_MONTH: Final = r"(?P<name>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
_WEEKDAY: Final = r"^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?"
_YEAR_FIRST: Final = r"^(?P<year>\d{4})[-/.年](?P<month>\d{1,2})[-/.月](?P<day>\d{1,2})日?" + _CLOCK
_COMPACT: Final = (
    r"^(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})(?:[T_]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2}))?"
    r"(?P<zone>Z)?$"
)
_NAMED: Final = (
    _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-]" + _MONTH + r"[\s-](?P<year>\d{4})" + _CLOCK,
    _WEEKDAY + _MONTH + r"\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _CLOCK,
)
_YEAR_LAST: Final = r"^(?P<first>\d{1,2})(?P<mark>[-/.])(?P<other>\d{1,2})[-/.](?P<year>\d{4})" + _CLOCK
_EPOCH: Final = r"^(-?\d{9,19})(\.\d+)?$"
_EXAMPLE: Final = datetime(2024, 1, 2, tzinfo=UTC)
_MONTHS: Final = {
    name: str(number)
    for number, name in enumerate(
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"), start=1
    )
}
_MICROSECONDS: Final = {"s": 1_000_000, "ms": 1_000, "us": 1}
FAR_FUTURE: Final = 253_402_214_400_000_000
"""Microseconds since 1970 at 9999-12-31: what a number too large for a date becomes, to be rejected as out of range."""


class TimeReader:
    """Reads one column of one file; what the first values settle (day or month first) holds for the rest.

    >>> read = TimeReader("events.csv", "at", ColumnSource(column="at"), zone="UTC")
    >>> times = read(pl.Series(["2024-01-02T08:00:00+08:00", "2024年1月2日", "1704153600", "soon"]))
    >>> times.dt.to_string("%F %T").to_list()
    ['2024-01-02 00:00:00', '2024-01-02 00:00:00', '2024-01-02 00:00:00', None]
    """

    def __init__(self, file: str, column: str, source: ColumnSource, *, zone: str) -> None:
        self.file, self.column, self.source = file, column, source
        self.zone = source.time_zone or zone
        self._day_first: bool | None = None

    def __call__(self, values: pl.Series) -> pl.Series:
        """Times in UTC; null where a value is no time.

        Raises:
            ColumnError: day and month cannot be told apart, and no format is configured.
        """
        dtype = values.dtype
        if isinstance(dtype, pl.Datetime):
            if dtype.time_zone is None:
                return self._localised(values.cast(pl.Datetime("us")))
            return values.cast(pl.Datetime("us", dtype.time_zone)).dt.convert_time_zone("UTC")
        if dtype == pl.Date:
            return self._localised(values.cast(pl.Datetime("us")))
        if self.source.unit is not None:
            return _epoch(values.cast(pl.String), self.source.unit)
        texts = _integral(values) if dtype.is_float() else values.cast(pl.String)
        if self.source.format is not None:
            return self._formatted(texts, self.source.format)
        return self._recognised(texts)

    def _formatted(self, texts: pl.Series, layout: str) -> pl.Series:
        """Raises `ConfigError` where the layout itself has no meaning."""
        try:
            # Reading passes over a layout that has no meaning; writing does not.
            pl.Series([_EXAMPLE]).dt.to_string(layout)
            if "z" in layout.replace("%%", ""):
                return texts.str.to_datetime(layout, strict=False, time_unit="us", time_zone="UTC").cast(AT)
            if not re.search(r"%[-_0]?[HIklTXcrRs]", layout):
                return self._localised(texts.str.to_date(layout, strict=False).cast(pl.Datetime("us")))
            return self._localised(texts.str.to_datetime(layout, strict=False, time_unit="us"))
        except pl.exceptions.PolarsError as error:
            reason = str(error).split("\n")[0]
            raise ConfigError(f"the format {layout!r} of {self.column!r} has no meaning: {reason}") from None

    def _recognised(self, texts: pl.Series) -> pl.Series:
        """Each pattern reads what those before it left."""
        times = self._fast(texts)
        for reader in (self._year_first, _epoch_by_size, self._compact, self._named, self._year_last):
            left = (times.is_null() & texts.is_not_null()).arg_true()
            if not len(left):
                break
            times = times.scatter(left, reader(texts.gather(left)))
        return times

    def _fast(self, texts: pl.Series) -> pl.Series:
        present = texts.drop_nulls()
        layout = _FAST.get(re.sub(r"\d", "d", present[0])) if len(present) else None
        if layout is None:
            return pl.Series(texts.name, [None], dtype=AT).new_from_index(0, len(texts))
        times = texts.str.to_datetime(layout, strict=False, time_unit="us")
        return times.dt.replace_time_zone("UTC") if layout.endswith("Z") else self._localised(times)

    def _year_first(self, texts: pl.Series) -> pl.Series:
        return self._assembled(_parts(texts, _YEAR_FIRST))

    def _compact(self, texts: pl.Series) -> pl.Series:
        return self._assembled(_parts(texts, _COMPACT))

    def _named(self, texts: pl.Series) -> pl.Series:
        one, other = (
            self._assembled(
                _parts(texts, pattern).with_columns(
                    pl.col("name").replace_strict(_MONTHS, default=None, return_dtype=pl.String).alias("month")
                )
            )
            for pattern in _NAMED
        )
        return one.zip_with(one.is_not_null(), other)

    def _year_last(self, texts: pl.Series) -> pl.Series:
        parts = _parts(texts, _YEAR_LAST)
        slashed = parts.filter(pl.col("mark") != ".").select(pl.col("first", "other").cast(pl.Int64))
        if len(slashed) and self._day_first is None:
            self._day_first = self._settle(slashed, texts.filter(parts["mark"].is_in(["/", "-"]))[0])
        # With dots the day comes first wherever people write so.
        day_first = (pl.col("mark") == ".") | pl.lit(bool(self._day_first))
        return self._assembled(
            parts.with_columns(
                pl.when(day_first).then("first").otherwise("other").alias("day"),
                pl.when(day_first).then("other").otherwise("first").alias("month"),
            )
        )

    def _settle(self, slashed: pl.DataFrame, example: str) -> bool:
        days_first = int((slashed["first"] > 12).sum())
        months_first = int((slashed["other"] > 12).sum())
        if days_first == months_first:
            raise ColumnError(
                f"{self.file}: the times in {self.column!r}, such as {example!r}, can be read with the day or with the "
                "month first; name their format in penchant.toml, such as "
                f'{self.column} = {{column = "{self.source.column}", format = "%d/%m/%Y"}}'
            )
        return days_first > months_first

    def _assembled(self, parts: pl.DataFrame) -> pl.Series:
        """Times from the named parts of a pattern; null where they make no date."""
        for name in ("hour", "minute", "second", "part", "half", "zone"):
            if name not in parts.columns:
                parts = parts.with_columns(pl.lit(None, dtype=pl.String).alias(name))
        half = pl.col("half").str.to_lowercase().str.head(1)
        hour = pl.col("hour").cast(pl.Int64).fill_null(0)
        hour = pl.when(half == "p").then(hour % 12 + 12).when(half == "a").then(hour % 12).otherwise(hour)
        text = pl.format(
            "{}-{}-{} {}:{}:{}.{}",
            "year",
            pl.col("month").str.zfill(2),
            pl.col("day").str.zfill(2),
            hour.cast(pl.String).str.zfill(2),
            pl.col("minute").fill_null("0").str.zfill(2),
            pl.col("second").fill_null("0").str.zfill(2),
            pl.col("part").fill_null("0"),
        )
        named = pl.col("zone").str.replace(r"^(Z|UTC|GMT)$", "+00:00").str.replace(":", "").str.pad_end(5, "0")
        offset = pl.when(named.str.starts_with("-")).then(-1).otherwise(1) * (
            named.str.slice(1, 2).cast(pl.Int64, strict=False) * 60 + named.str.slice(3, 2).cast(pl.Int64, strict=False)
        )
        read = parts.select(
            text.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us").alias("local"),
            offset.alias("offset"),
        )
        shifted = read.select(pl.col("local") - pl.duration(minutes=pl.col("offset"))).to_series()
        return shifted.dt.replace_time_zone("UTC").zip_with(
            read["offset"].is_not_null(), self._localised(read["local"])
        )

    def _localised(self, local: pl.Series) -> pl.Series:
        """Of an hour that the clocks repeat the first is taken; one that they skip is no time."""
        return local.dt.replace_time_zone(self.zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
            "UTC"
        )


def _parts(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The named groups of a pattern as columns of strings, null where it does not match."""
    return pl.select(texts.str.strip_chars().str.extract_groups(pattern)).to_series().struct.unnest()


def _integral(values: pl.Series) -> pl.Series:
    """Numbers as texts, without the exponent or the `.0` that floating point adds."""
    whole = values.cast(pl.Int64, strict=False)
    return whole.cast(pl.String).zip_with((whole == values).fill_null(False), values.cast(pl.String))


def _epoch_by_size(texts: pl.Series) -> pl.Series:
    """Numbers since 1970: seconds, milli-, micro- or nanoseconds by their size (from 1973 on all four differ)."""
    pattern = texts.str.extract_groups(_EPOCH)
    whole = pattern.struct[0].cast(pl.Int64, strict=False)
    size = whole.abs()
    # Fourteen digits that start as a year are a date written without marks.
    dated = texts.str.contains(_COMPACT)
    part = pattern.struct[1].cast(pl.Float64, strict=False).fill_null(0.0)
    frame = pl.DataFrame({"whole": whole, "size": size, "part": part, "dated": dated.fill_null(False)})
    scale = pl.when(pl.col("size") < 10**11).then(10**6).when(pl.col("size") < 10**14).then(10**3).otherwise(1)
    fine = pl.col("whole") * scale + (pl.col("part") * scale).round().cast(pl.Int64)
    moment = pl.when(pl.col("size") < 10**17).then(fine).otherwise(pl.col("whole") // 1000)
    return frame.select(pl.when(~pl.col("dated")).then(moment).cast(AT).alias(texts.name)).to_series()


def _epoch(texts: pl.Series, unit: str) -> pl.Series:
    numbers = texts.str.strip_chars().cast(pl.Float64, strict=False)
    whole = texts.str.strip_chars().str.extract(r"^(-?\d+)(?:\.\d*)?$").cast(pl.Int64, strict=False)
    scale = _MICROSECONDS.get(unit)
    if scale is None:
        exact, rough = whole // 1000, numbers / 1000
    else:
        part = numbers - whole.cast(pl.Float64)
        exact, rough = whole * scale + (part * scale).round().cast(pl.Int64, strict=False), numbers * scale
    far = (rough.abs() > FAR_FUTURE) & rough.is_not_nan()
    frame = pl.DataFrame({"exact": exact, "far": far})
    return frame.select(pl.when("far").then(FAR_FUTURE).otherwise("exact").cast(AT).alias(texts.name)).to_series()
