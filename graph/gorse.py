"""How Gorse's REST contract writes values: times in almost any form, durations, labels, conditions on feedback.

Seen on a running Gorse 0.5.11 (docs/from-gorse.md).
"""

from __future__ import annotations

import calendar
import datetime as dt
import math
import operator
import re
from collections.abc import Callable
from typing import Any

UNSET = "0001-01-01T00:00:00Z"
EMPTY = "\ue000"
"""Stands in the graph for an empty id of a user or type, which the graph has not."""
Time = tuple[int, int | None] | None
"""Seconds since 1970 and nanoseconds beyond; None: unset."""


class BadValue(ValueError):
    """What a client sent that is no such value."""


_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9})\d*)?\s*([Zz]|[+-]\d\d:?\d\d)?(?:\s*UTC)?"
)
_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_FORMS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M",
    "%m/%d/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%b %d %Y", "%b %d, %Y", "%B %d %Y", "%B %d, %Y", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y %H:%M:%S", "%b %d %Y %H:%M:%S", "%B %d, %Y %H:%M:%S", "%d %b %Y %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p", "%B %d, %Y at %I:%M%p", "%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S", "%a, %d %b %Y",
    "%Y-%m", "%Y年%m月%d日",
)  # fmt: skip
_ZONE = re.compile(r"\s+(?:GMT|UTC|Z|([+-]\d{4}))$")
_DIGITS = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}


def time_of(text: Any) -> Time:
    """A time as a client writes one. Raises BadValue."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise BadValue(f"a time is a text, not {text!r}")
    text = text.strip()
    if found := _RFC3339.fullmatch(text):
        return _exact(found, text)
    if text.isascii() and text.isdigit():
        return _number(text)
    plain, zone = text, 0
    if found := _ZONE.search(text):
        plain, zone = text[: found.start()], _offset(found[1] or "Z")
    for form in _FORMS:
        try:
            moment = dt.datetime.strptime(plain, form)  # noqa: DTZ007  (a time without a zone is UTC)
        except ValueError:
            continue
        return _unset((calendar.timegm(moment.timetuple()) - zone, None))
    raise BadValue(f"{text[:60]!r} is no time")


def strict_time(text: Any) -> Time:
    """RFC 3339 and nothing else. Raises BadValue."""
    if not isinstance(text, str) or not _STRICT.fullmatch(text):
        raise BadValue(f"{str(text)[:60]!r} is no RFC 3339 time")
    return time_of(text)


def _exact(found: re.Match[str], text: str) -> Time:
    year, month, day, hour, minute, second = (int(found[place]) for place in range(1, 7))
    try:
        moment = dt.datetime(year, month, day, hour, minute, second)  # noqa: DTZ001
    except ValueError:
        raise BadValue(f"{text[:60]!r} is no time") from None
    nanos = int((found[7] or "").ljust(9, "0")) if found[7] else 0
    return _unset((calendar.timegm(moment.timetuple()) - _offset(found[8] or "Z"), nanos or None))


def _number(text: str) -> Time:
    if len(text) == 4:
        return calendar.timegm((int(text) or 1, 1, 1, 0, 0, 0)), None
    if len(text) in (8, 14):
        try:
            form = "%Y%m%d" if len(text) == 8 else "%Y%m%d%H%M%S"
            return calendar.timegm(dt.datetime.strptime(text, form).timetuple()), None  # noqa: DTZ007
        except ValueError:
            raise BadValue(f"{text!r} is no time") from None
    if len(text) not in _DIGITS:
        raise BadValue(f"{text[:60]!r} is no time")
    each = _DIGITS[len(text)]
    seconds, part = divmod(int(text), each)
    return seconds, part * (10**9 // each) or None


def _offset(zone: str) -> int:
    if zone in ("Z", "z"):
        return 0
    digits = zone[1:].replace(":", "")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)


def _unset(time: tuple[int, int | None]) -> Time:
    return None if time == (_ZERO, None) else time


_ZERO = calendar.timegm((1, 1, 1, 0, 0, 0))


def written(seconds: int | None, nanos: int | None) -> str:
    """A time as it is answered: RFC 3339 in UTC."""
    if seconds is None:
        return UNSET
    try:
        moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)  # noqa: DTZ001
    except OverflowError:
        return UNSET
    part = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{moment.isoformat(timespec='seconds')}{part}Z"


_DURATION = re.compile(r"([+-])?((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def duration(text: str) -> int:
    """Nanoseconds of a duration as Go writes one, such as `1h30m`. Raises BadValue."""
    if text == "0":
        return 0
    found = _DURATION.fullmatch(text)
    if not found:
        raise BadValue(f"{text[:60]!r} is no duration; write it as 10m or 1h30m")
    total = sum(int(float(number) * _UNITS[unit]) for number, unit in _PART.findall(text))
    if total >= 2**63:
        raise BadValue(f"{text[:60]!r} is too long")
    return -total if found[1] == "-" else total


def check_labels(value: Any, depth: int = 0) -> None:
    """Raise BadValue unless these are labels: null, text, number, a list of either, or an object of these."""
    match value:
        case None | str():
            return
        case bool():
            raise BadValue("labels hold no booleans")
        case int() | float():
            if isinstance(value, float) and not math.isfinite(value):
                raise BadValue("labels hold finite numbers")
        case list():
            kinds = {str if isinstance(one, str) else float if _is_number(one) else None for one in value}
            if None in kinds or len(kinds) > 1:
                raise BadValue("a list of labels holds texts, or numbers")
        case dict() if depth < 20:
            for one in value.values():
                check_labels(one, depth + 1)
        case _:
            raise BadValue("labels are null, a text, a number, a list of either, or an object of these")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def value_of(told: Any) -> float:
    """The value of feedback; null is 0. Raises BadValue."""
    if told is None:
        return 0.0
    try:
        if _is_number(told) and math.isfinite(value := float(told)):
            return value
    except OverflowError:
        pass
    raise BadValue("Value must be a number")


_CONDITION = re.compile(r"(.+?)(>=|<=|>|<)\s*(-?\d+(?:\.\d*)?)")
_COMPARED: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt
}  # fmt: skip


def condition(text: str) -> Callable[[str, float | None], bool]:
    """What `{type}` in an address means: a type, or one whose value compares so: `read>=3`."""
    found = _CONDITION.fullmatch(text)
    if not found:
        return lambda type_, _value: type_ == text
    name, compare, bound = found[1], _COMPARED[found[2]], float(found[3])
    return lambda type_, value: type_ == name and compare(value or 0.0, bound)


def inside(id_: str) -> str:
    """A client's id or type as the graph has it."""
    return id_ or EMPTY


def outside(id_: str) -> str:
    """The other way round."""
    return "" if id_ == EMPTY else id_
