"""What a piece of feedback says of a title: that its viewer likes it, would not have it again, or has merely seen it.

Which kinds say what is configuration (`GraphSettings`): conditions such as `watch`, `rating>=4` or `rating<3`, the
spelling that Gorse has for them.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from graph.settings import GraphSettings

Says = Literal["liked", "disliked", "seen"]

_COMPARED: Final[dict[str, Callable[[float, float], bool]]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "=": operator.eq,
}  # fmt: skip
_CONDITION: Final = re.compile(r"\s*([^<>=\s][^<>=]*?)\s*(?:(>=|<=|>|<|=)\s*([-+]?[0-9.]+))?\s*")

_MOST_JUDGED: Final = 10_000


class KindError(ValueError):
    """A condition on feedback that cannot be read: what it was, and how one is written."""


@dataclass(frozen=True)
class Condition:
    """Feedback of a type, of any value or of one that compares so with `bound`. Types are compared without case."""

    type: str
    comparison: str | None = None
    bound: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Condition:
        """From `watch` or `rating>=4`. Raises KindError."""
        found = _CONDITION.fullmatch(text)
        try:
            if found is None:
                raise ValueError
            bound = float(found[3] or 0)
        except ValueError:
            raise KindError(
                f"{text!r} is no condition on feedback; write a type, such as watch, or one with a bound: rating>=4"
            ) from None
        return cls(found[1].lower(), found[2], bound)

    def met(self, type_: str, value: float | None) -> bool:
        """Whether such feedback fulfils it. A missing value fulfils no comparison."""
        if type_.lower() != self.type:
            return False
        if self.comparison is None:
            return True
        return value is not None and math.isfinite(value) and _COMPARED[self.comparison](value, self.bound)


@dataclass(frozen=True)
class FeedbackKinds:
    """Which feedback says that a title is liked, which that it is not; all other says that it was seen."""

    liked: tuple[Condition, ...]
    disliked: tuple[Condition, ...]

    @classmethod
    def parse(cls, liked: Iterable[str], disliked: Iterable[str]) -> FeedbackKinds:
        """From texts. Raises KindError."""
        return cls(*(tuple(Condition.parse(text) for text in texts) for texts in (liked, disliked)))

    @classmethod
    def configured(cls, settings: GraphSettings | None = None) -> FeedbackKinds:
        """Those of the settings; None: of the environment."""
        from graph.settings import GraphSettings

        settings = settings or GraphSettings()
        return cls.parse(settings.liked_feedback, settings.disliked_feedback)

    @cached_property
    def _judged(self) -> dict[tuple[str, float | None], Says]:
        return {}

    def of(self, type_: str, value: float | None) -> Says:
        """What a piece of feedback says; a condition of dislike comes before one of liking.

        Remembered, for there are few that differ and millions that are counted.
        """
        says = self._judged.get((type_, value))
        if says is None:
            if len(self._judged) >= _MOST_JUDGED:
                self._judged.clear()
            says = self._judged[type_, value] = self._judge(type_, value)
        return says

    def _judge(self, type_: str, value: float | None) -> Says:
        if _any(self.disliked, type_, value):
            return "disliked"
        return "liked" if _any(self.liked, type_, value) else "seen"


def _any(conditions: Sequence[Condition], type_: str, value: float | None) -> bool:
    return any(one.met(type_, value) for one in conditions)
