"""What the graph holds: labels, relationship types and their properties, named here and nowhere else.

Validation, the Parquet tables, the documentation and the engines' constraints all derive from `NODES` and
`RELATIONSHIPS`. Ids are strings: IMDb's own (`tt…`, `nm…`), a name, a slug, or the service's own. Missing is null.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

SCHEMA_VERSION = 2

PropertyType = Literal["string", "integer", "float", "boolean", "date", "strings"]

ARROW_TYPES: dict[PropertyType, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "strings": pa.list_(pa.string()),
}


@dataclass(frozen=True)
class Property:
    """One property of a node or relationship: its name, its type and what it means."""

    name: str
    type: PropertyType
    meaning: str

    @property
    def arrow_type(self) -> pa.DataType:
        """The Arrow type that tables and answers use for it."""
        return ARROW_TYPES[self.type]


@dataclass(frozen=True)
class Node:
    """A label. `id_name` is what the id is called in the engines (`tconst`); in tables the column is `id`.

    A live label is written while the service runs; all others change only by a load. A private one is never exported.
    """

    label: str
    id_name: str
    meaning: str
    properties: tuple[Property, ...] = ()
    live: bool = False
    private: bool = False

    def arrow_schema(self) -> pa.Schema:
        """`id` first, then the properties in the order in which they are declared."""
        fields = [pa.field("id", pa.string(), nullable=False)]
        return pa.schema(fields + [pa.field(p.name, p.arrow_type) for p in self.properties])


@dataclass(frozen=True)
class Relationship:
    """A relationship type. One relationship is identified by (type, head, tail, key); `key` is '' where unused."""

    type: str
    head: str
    tail: str
    meaning: str
    properties: tuple[Property, ...] = ()
    key_from: str | None = None
    live: bool = False

    @property
    def private(self) -> bool:
        """Whether it is never exported, for one of its ends is not."""
        return NODES[self.head].private or NODES[self.tail].private

    def arrow_schema(self) -> pa.Schema:
        """`head`, `tail` and `key` first, then the properties in the order in which they are declared."""
        fields = [pa.field(name, pa.string(), nullable=False) for name in ("head", "tail", "key")]
        return pa.schema(fields + [pa.field(p.name, p.arrow_type) for p in self.properties])


_ORDERING = Property(
    "ordering", "integer", "IMDb's order of credits in the title; null when only the crew file names it"
)
_JOB = Property("job", "string", "what exactly the person did, in IMDb's words")


def _credit(type_: str, meaning: str) -> Relationship:
    return Relationship(type_, "Person", "Title", meaning, (_ORDERING, _JOB), key_from="ordering")


NODES: dict[str, Node] = {
    node.label: node
    for node in (
        Node(
            "Title",
            "tconst",
            "A film, series, episode or other work; `item:ID` when only a catalog knows it",
            (
                Property("kind", "string", "IMDb's titleType: movie, tvSeries, tvEpisode, short, …"),
                Property("title", "string", "the name it is best known by"),
                Property("original_title", "string", "the name in its original language"),
                Property("start_year", "integer", "year of release; of a series, its first year"),
                Property("end_year", "integer", "last year of a series"),
                Property("runtime_minutes", "integer", "minutes"),
                Property("is_adult", "boolean", "never answered unless asked for"),
                Property("average_rating", "float", "IMDb users' mean, 1 to 10"),
                Property("num_votes", "integer", "how many votes that mean rests on"),
                Property("poster_url", "string", "a picture, where a catalog gives one"),
                Property("text", "string", "what it is about, in prose, where texts were loaded"),
            ),
        ),
        Node(
            "Person",
            "nconst",
            "Someone who is credited in a title",
            (
                Property("name", "string", "the name most often credited"),
                Property("birth_year", "integer", "year"),
                Property("death_year", "integer", "year"),
                Property("professions", "strings", "IMDb's primary professions, in its order"),
            ),
        ),
        Node("Genre", "name", "A genre in IMDb's list"),
        Node("Keyword", "name", "A word that says what a title is about"),
        Node(
            "AlternateTitle",
            "aka_id",
            "Another name of a title; id is `tconst:ordering`",
            (
                Property("title", "string", "the name as written there"),
                Property("region", "string", "ISO 3166 country code, or IMDb's XWW and the like"),
                Property("language", "string", "ISO 639 language code"),
                Property("types", "strings", "IMDb's types: imdbDisplay, working, dvd, festival, …"),
            ),
        ),
        Node(
            "Catalog",
            "slug",
            "What one service may show",
            (
                Property("name", "string", "as people call it"),
                Property("strategy", "string", "what answers from it where a request names none; null: the usual one"),
            ),
            live=True,
        ),
        Node(
            "User",
            "user_id",
            "A viewer, by the service's own id",
            (
                Property("labels", "strings", "free labels"),
                Property("attributes", "string", "labels of any other form, as JSON"),
                Property("comment", "string", "a remark of the service"),
            ),
            live=True,
        ),
        Node(
            "Search",
            "search_id",
            "How often something was searched for on a day, as one process counted it; never by whom",
            (
                Property("text", "string", "what was typed, normalised; null where texts were too many to keep"),
                Property("title", "string", "the id of the title that was meant; null where none was"),
                Property("status", "string", "in_catalog, out_of_catalog, ambiguous or unknown"),
                Property("catalog", "string", "the slug that was asked; null: all catalogs together"),
                Property("day", "date", "the day, UTC"),
                Property("count", "integer", "searches; the sum over all nodes is what counts"),
            ),
            live=True,
            private=True,
        ),
        Node(
            "ApiKey",
            "key_id",
            "A key of the service; the key itself is nowhere",
            (
                Property("name", "string", "whose it is"),
                Property("role", "string", "read, write or admin"),
                Property("digest", "string", "SHA-256 of the key's secret, in hexadecimal"),
                Property("made", "string", "when, ISO 8601, UTC"),
            ),
            live=True,
            private=True,
        ),
        Node(
            "Experiment",
            "experiment_id",
            "A comparison of ways to recommend, each for a share of users; id is its name",
            (
                Property("definition", "string", "its arms and what counts as an outcome, as JSON"),
                Property("began", "string", "when, ISO 8601, UTC"),
                Property("ended", "string", "when it was stopped, ISO 8601, UTC; null: it runs"),
            ),
            live=True,
            private=True,
        ),
        Node(
            "Refresh",
            "refresh_id",
            "How the last `reelgraph refresh` went, or how far this one is; there is one",
            (
                Property("state", "string", "running, done, failed or refused"),
                Property("step", "string", "what it is at, or was at when it ended"),
                Property("began", "string", "when, ISO 8601, UTC"),
                Property("seen", "string", "when it last said that it runs, or ended; ISO 8601, UTC"),
                Property("fresh", "string", "when the graph was last found or made to be as published; ISO 8601, UTC"),
                Property("problem", "string", "why it did not succeed"),
                Property("holder", "string", "the process that is or was at it"),
                Property("files", "string", "what the graph was last made of: a JSON object of names and marks"),
                Property("settled", "string", "what vectors were last brought up to date for, in short"),
            ),
            live=True,
            private=True,
        ),
    )
}

RELATIONSHIPS: dict[str, Relationship] = {
    relationship.type: relationship
    for relationship in (
        Relationship(
            "ACTED_IN",
            "Person",
            "Title",
            "on screen or by voice",
            (
                _ORDERING,
                Property("category", "string", "actor, actress or self"),
                Property("characters", "strings", "the names of the parts"),
            ),
            key_from="ordering",
        ),
        _credit("DIRECTED", "directed it"),
        _credit("WROTE", "wrote it, or what it is based on"),
        _credit("PRODUCED", "produced it"),
        _credit("COMPOSED", "wrote its music"),
        _credit("SHOT", "was its cinematographer"),
        _credit("EDITED", "edited it"),
        _credit("DESIGNED", "designed its production"),
        _credit("CAST", "chose its actors (casting director)"),
        Relationship(
            "SEEN_IN_ARCHIVE",
            "Person",
            "Title",
            "appears in archive footage or sound only",
            (
                _ORDERING,
                Property("category", "string", "archive_footage or archive_sound"),
                Property("characters", "strings", "the names of the parts"),
            ),
            key_from="ordering",
        ),
        Relationship("KNOWN_FOR", "Person", "Title", "IMDb names the title among the person's best known"),
        Relationship("IN_GENRE", "Title", "Genre", "belongs to the genre"),
        Relationship("HAS_KEYWORD", "Title", "Keyword", "is about it"),
        Relationship("ALSO_KNOWN_AS", "Title", "AlternateTitle", "has this other name"),
        Relationship(
            "EPISODE_OF",
            "Title",
            "Title",
            "is an episode of the series",
            (
                Property("season", "integer", "number of the season"),
                Property("episode", "integer", "number in the season"),
            ),
        ),
        Relationship(
            "OFFERS",
            "Catalog",
            "Title",
            "may show it",
            (
                Property("item_id", "string", "the catalog's own id"),
                Property("regions", "strings", "country codes where it may be shown; null or empty: everywhere"),
                Property("available_from", "date", "first day; null: always was"),
                Property("available_until", "date", "last day, included; null: no end"),
                Property("match", "string", "how the item was matched to the title"),
                Property("confidence", "float", "how sure that match is, 0 to 1"),
                Property("hidden", "boolean", "whether it is in no list for now; null: it is not hidden"),
                Property("categories", "strings", "the catalog's own categories of the item"),
                Property("labels", "string", "the catalog's labels of the item, of any form, as JSON"),
                Property("comment", "string", "a remark of the catalog"),
                Property("timestamp", "integer", "when the item came, seconds since 1970, UTC"),
                Property("nanos", "integer", "beyond that second, nanoseconds; null: none"),
                Property("pinned", "integer", "its place before all else in recommendations, 1 first; null: none"),
                Property("boost", "float", "what its score is multiplied by in recommendations; null: 1"),
            ),
            key_from="item_id",
            live=True,
        ),
        Relationship(
            "RATED",
            "User",
            "Title",
            "watched, rated, liked or dismissed it",
            (
                Property("type", "string", "what kind of feedback"),
                Property("value", "float", "how much, where the kind has a value"),
                Property("timestamp", "integer", "seconds since 1970, UTC"),
                Property("nanos", "integer", "beyond that second, nanoseconds; null: none"),
                Property("updated", "integer", "when it was last said, where that is told apart; seconds since 1970"),
                Property("updated_nanos", "integer", "beyond that second, nanoseconds; null: none"),
                Property("comment", "string", "a remark of the service"),
                Property("events", "strings", "ids of the last events that an accumulated value is made of"),
            ),
            key_from="type",
            live=True,
        ),
        Relationship(
            "SHOWN",
            "User",
            "Experiment",
            "was answered by one of its arms",
            (
                Property("answer", "string", "what tells one answer from another"),
                Property("arm", "string", "the arm's name"),
                Property("titles", "strings", "what was shown, the best first"),
                Property("strategy", "string", "what ranked it"),
                Property("graph", "string", "the version of the graph that answered"),
                Property("run", "string", "the run of the taste vectors; null: none are published"),
                Property("timestamp", "integer", "when, seconds since 1970, UTC"),
            ),
            key_from="answer",
            live=True,
        ),
    )
}

# Every way in which a person takes part in a title, the most telling first.
CREDITS = (
    "DIRECTED",
    "ACTED_IN",
    "WROTE",
    "COMPOSED",
    "SHOT",
    "EDITED",
    "DESIGNED",
    "PRODUCED",
    "CAST",
    "SEEN_IN_ARCHIVE",
)


def arrow_schema(name: str) -> pa.Schema:
    """The columns of a label's or relationship type's table. KeyError when the schema has no such name."""
    return NODES[name].arrow_schema() if name in NODES else RELATIONSHIPS[name].arrow_schema()


def is_live(name: str) -> bool:
    """Whether a label or relationship type is written while the service runs."""
    return (NODES[name] if name in NODES else RELATIONSHIPS[name]).live


def fits(value: object, type_: PropertyType) -> bool:
    """Whether a Python value (not None) is of a property's type: nothing is converted, and floats are finite."""
    match type_:
        case "string":
            return isinstance(value, str) and _is_text(value)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, dt.date) and not isinstance(value, dt.datetime)
        case _:
            return isinstance(value, list | tuple) and all(isinstance(item, str) and _is_text(item) for item in value)


def _is_text(value: str) -> bool:
    """Whether a string can be written down; lone surrogates cannot."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)
