"""The stages of an answer, for whoever wants to time or trace them: `match`, `substitutes`, in these `evidence`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

Stage = Callable[[str], contextlib.AbstractContextManager[object]]
"""Given a stage's name, what surrounds it."""


def untimed(_name: str) -> contextlib.AbstractContextManager[object]:
    """Surrounds a stage with nothing."""
    return contextlib.nullcontext()
