"""Reading the cells of IMDb's files: narwhals expressions, the same on every engine. What cannot be read is null.

Patterns say `[0-9]` and `\\z`: to Rust `\\d` is a digit of any script, to Java `$` may stand before a line separator.
"""

from __future__ import annotations

from collections.abc import Sequence

import narwhals as nw

TITLE_YEARS = (1800, 2200)
PEOPLE_YEARS = (1, 2200)
"""People may have lived long before film: Shakespeare is credited as a writer."""


def number(name: str, prefix: str) -> nw.Expr:
    """One of IMDb's ids, `tt0114709`, as a whole number that no other id of the prefix has; null for any other text.

    Joins and group-bys over numbers take a third of the time and half of the memory that they take over ids. The 1 in
    front keeps leading zeros.
    """
    well_formed = nw.col(name).str.contains(rf"^{prefix}[0-9]{{1,18}}\z")
    digits = nw.concat_str(nw.lit("1"), nw.col(name).str.slice(2))
    return nw.when(well_formed).then(digits).cast(nw.Int64())


def no_string() -> nw.Expr:
    """A column of nulls."""
    return nw.lit(None, nw.String())


def integer(name: str) -> nw.Expr:
    """A whole number, without sign or leading zeros as IMDb writes it; else null."""
    return nw.when(nw.col(name).str.contains(r"^(0|[1-9][0-9]{0,8})\z")).then(nw.col(name)).cast(nw.Int64())


def year(name: str, years: tuple[int, int] = TITLE_YEARS) -> nw.Expr:
    """A year between the two given, which count too; else null."""
    number = integer(name)
    return nw.when(number.is_between(*years)).then(number)


def rating(name: str) -> nw.Expr:
    """A mean of IMDb's votes, 1 to 10; else null."""
    number = nw.when(nw.col(name).str.contains(r"^[0-9]{1,2}(\.[0-9]+)?\z")).then(nw.col(name)).cast(nw.Float64())
    return nw.when(number.is_between(1, 10)).then(number)


def flag(name: str) -> nw.Expr:
    """0 or 1 as false or true; else null."""
    return nw.when(nw.col(name).is_in(["0", "1"])).then(nw.col(name) == "1")


def words(name: str) -> nw.Expr:
    """A comma-separated cell as a list, in its order; IMDb's akas also separate by the control character 2."""
    return nw.col(name).str.replace_all("\x02", ",", literal=True).str.split(",")


def is_json_list(name: str) -> nw.Expr:
    """Whether a cell looks like what `json_list` reads."""
    cell = nw.col(name)
    quoted = cell.str.starts_with('"[""') & cell.str.ends_with('""]"')
    return quoted | (cell.str.starts_with('["') & cell.str.ends_with('"]'))


def json_list(name: str) -> nw.Expr:
    r"""A JSON list of strings, `["A","B"]`, or the same as a quoted CSV cell, `"[""A"",""B""]"`; else null.

    Escapes that JSON does not have stay as they stand: IMDb's data holds `\The Den\)`.
    """
    cell = nw.col(name)
    unquoted = cell.str.replace_all('""', '"', literal=True).str.strip_chars('"')
    text = nw.when(cell.str.starts_with('"[')).then(unquoted).otherwise(cell).str.slice(1)
    # With escaped characters out of the way, every quote that is left opens or closes a name.
    for escaped, stand_in in (("\\\\", "\x01"), ('\\"', "\x02"), ('", "', "\x1f"), ('","', "\x1f")):
        text = text.str.replace_all(escaped, stand_in, literal=True)
    text = text.str.strip_chars_end("]").str.strip_chars('"')
    text = text.str.replace_all("\x02", '"', literal=True).str.replace_all("\x01", "\\", literal=True)
    return nw.when(is_json_list(name)).then(text.str.split("\x1f"))


def first_true(cases: Sequence[tuple[nw.Expr, str]]) -> nw.Expr:
    """The name of the first condition that holds, null when none does. A null condition does not hold."""
    result = no_string()
    for condition, name in reversed(cases):
        result = nw.when(condition).then(nw.lit(name)).otherwise(result)
    return result


def faults(**values: nw.Expr) -> dict[str, nw.Expr]:
    """For each column, 1 where a row has a value that was read as null, else 0; named as the report says it."""
    return {
        f"{name} malformed, made null": (~nw.col(name).is_null() & value.is_null()).cast(nw.Int64())
        for name, value in values.items()
    }
