"""Vectors as one text, for engines that have no ordered lists: `f32:DIMENSION:BASE64`.

The part before the first colon is the version of the format: `f32` is little-endian float32, one number after the
other, in standard base64 with padding. A reader refuses what it does not know.
"""

from __future__ import annotations

import base64
import binascii

import numpy as np
import numpy.typing as npt

from graph.store import StoreDamaged, StoreTooNew

_FORMAT = "f32"


def encoded(vector: npt.NDArray[np.float32]) -> str:
    """A vector (d,) as text."""
    return f"{_FORMAT}:{len(vector)}:{base64.b64encode(vector.astype('<f4').tobytes()).decode()}"


def decoded(text: str) -> npt.NDArray[np.float32]:
    """The vector (d,) float32 of a text. Raises StoreTooNew for another format, StoreDamaged for a broken text."""
    version, _, rest = text.partition(":")
    if version != _FORMAT:
        raise StoreTooNew(f"a vector is kept in the format {version[:20]!r}, this software reads {_FORMAT}; update it")
    dimension, _, numbers = rest.partition(":")
    try:
        vector = np.frombuffer(base64.b64decode(numbers, validate=True), "<f4").astype(np.float32)
        if len(vector) != int(dimension):
            raise ValueError(f"{len(vector)} numbers of {dimension}")
    except (ValueError, binascii.Error) as error:
        raise StoreDamaged(f"a vector cannot be read ({error}); publish the vectors again") from None
    return vector
