"""HetRec 2011 Last.fm: listening, tags and friends of 1,892 people (Cantador, Brusilovsky and Kuflik 2011).

A listened artist is a `play` whose amount is the number of listens. The publisher counted listens once, when the data
was collected, and dates none of them: every play stands at the day of the last tag, and their order says nothing
(within a member the file runs from most to least listened, so taking it for an order in time would leak the counts).
Tags are dated to the month. All tags that a member gave an artist on one date are one `review` event whose text they
are; an artist's tags are those most members gave it. Friendship is mutual: one tie for each pair.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.community import Community
from penchant.data.public.imported import Imported, need_file, occurred, read_atomic, read_separated
from penchant.language import Phrase

_COLLECTED: Final = datetime(2011, 5, 9, tzinfo=UTC)
"""The last date in the data, at which the listens were counted."""
_FIRST_YEAR: Final = 2005
"""Last.fm had tags from 2005 on; earlier dates are slips."""
_TAGS_KEPT: Final = 10
"""Tags kept for an artist; the popular have hundreds, most of them one person's."""

_NO_ARTIST: Final = Phrase("tags of artists without a row", "标签所指的艺人不在艺人表中")
_EARLY: Final = Phrase("tags dated before 2005", "日期早于 2005 年的标签")
_UNDATED: Final = Phrase("plays without a date, set to the last day", "没有日期的播放，统一记在最后一天")


def import_hetrec(folder: Path) -> Imported:
    """The publisher's own .dat files: listens with counts, tags and friends."""
    artists = _read(folder, "artists.dat", ["id", "name"]).select(
        pl.col("id").alias("item_id"), pl.col("name").str.strip_chars().alias("title")
    )
    listens = _read(folder, "user_artists.dat", ["userID", "artistID", "weight"])
    friends = _read(folder, "user_friends.dat", ["userID", "friendID"])
    names = _read(folder, "tags.dat", ["tagID", "tagValue"], encoding="iso-8859-1")
    given = _read(folder, "user_taggedartists.dat", ["userID", "artistID", "tagID", "day", "month", "year"])
    given = given.join(names, on="tagID", how="inner", maintain_order="left").select(
        pl.col("userID").alias("member_id"),
        pl.col("artistID").alias("item_id"),
        pl.col("tagValue").str.strip_chars().str.to_lowercase().alias("tag"),
        pl.datetime(*(pl.col(part).cast(pl.Int32) for part in ("year", "month", "day")), time_zone="UTC").alias("at"),
    )
    tagged = given.filter(pl.col("item_id").is_in(artists["item_id"].implode()))
    dated = tagged.filter(pl.col("at").dt.year() >= _FIRST_YEAR)
    plays = _plays(listens.rename({"userID": "member_id", "artistID": "item_id"}), pl.col("weight").cast(pl.Float64))
    reviews = (
        dated.group_by("member_id", "item_id", "at", maintain_order=True)
        .agg(pl.col("tag").str.join(", ").alias("text"))
        .with_columns(pl.lit("review").alias("kind"))
    )
    events = pl.concat([reviews, plays], how="diagonal")
    return Imported(
        Community.from_tables(
            artists.join(_item_tags(tagged), on="item_id", how="left", maintain_order="left"),
            events,
            _members(listens["userID"], friends["userID"], friends["friendID"], given["member_id"]),
            _ties(friends),
        ),
        rejected=occurred({_NO_ARTIST: len(given) - len(tagged), _EARLY: len(tagged) - len(dated)}),
        changed=occurred({_UNDATED: len(plays)}),
    )


def import_atomic(folder: Path) -> Imported:
    """RecBole-GNN's copy of the same listens and friends: no counts, no tags, no times."""
    artists = read_atomic(need_file(folder, "lastfm.item"), ["artist_id", "name"]).select(
        pl.col("artist_id").alias("item_id"), pl.col("name").str.strip_chars().alias("title")
    )
    listens = read_atomic(need_file(folder, "lastfm.inter"), ["user_id", "artist_id"])
    friends = read_atomic(need_file(folder, "lastfm.net"), ["source_id", "target_id"])
    plays = _plays(listens.rename({"user_id": "member_id", "artist_id": "item_id"}), pl.lit(None, dtype=pl.Float64))
    friends = friends.rename({"source_id": "userID", "target_id": "friendID"})
    return Imported(
        Community.from_tables(
            artists, plays, _members(listens["user_id"], friends["userID"], friends["friendID"]), _ties(friends)
        ),
        changed=occurred({_UNDATED: len(plays)}),
    )


def _read(folder: Path, name: str, columns: list[str], encoding: str = "utf-8") -> pl.DataFrame:
    return read_separated(need_file(folder, name), columns, separator="\t", quoted=False, encoding=encoding)


def _plays(listens: pl.DataFrame, amount: pl.Expr) -> pl.DataFrame:
    kind, at = pl.lit("play").alias("kind"), pl.lit(_COLLECTED).alias("at")
    return listens.select("member_id", "item_id", kind, at.dt.cast_time_unit("us"), amount.alias("amount"))


def _members(*ids: pl.Series) -> pl.DataFrame:
    everyone = pl.concat([column.alias("member_id") for column in ids]).unique().to_frame()
    return everyone.sort(pl.col("member_id").cast(pl.Int64))


def _ties(friends: pl.DataFrame) -> pl.DataFrame:
    """One row a pair, the smaller number first; the files hold each pair in both directions."""
    first, second = (pl.col(name).cast(pl.Int64) for name in ("userID", "friendID"))
    pairs = friends.select(pl.min_horizontal(first, second), pl.max_horizontal(first, second).alias("other"))
    pairs = pairs.filter(pl.col("userID") != pl.col("other")).unique(maintain_order=True)
    return pairs.select(
        pl.col("userID").cast(pl.String).alias("member_id"),
        pl.col("other").cast(pl.String).alias("other_id"),
        pl.lit("friend").alias("kind"),
    )


def _item_tags(tagged: pl.DataFrame) -> pl.DataFrame:
    """The tags that most members gave each artist, most given first, equals by the alphabet."""
    counted = tagged.group_by("item_id", "tag").len()
    counted = counted.sort("item_id", "len", "tag", descending=[False, True, False])
    return counted.group_by("item_id", maintain_order=True).agg(pl.col("tag").head(_TAGS_KEPT).alias("tags"))
