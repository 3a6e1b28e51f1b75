"""Arrays on disk, as safetensors: a run's parameters, and the checkpoint from which a killed run goes on."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gnn.scorer import Arrays


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], about: Mapping[str, Any] | None = None) -> None:
    """Write named arrays and plain JSON data into one file, which is the old one or the new one but never half.

    Nothing is copied that is contiguous, so writing needs no memory. Raises OSError, with the old file kept.
    """
    from safetensors.numpy import save_file

    whole = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    partial = path.with_name(f"{path.name}.partial")
    try:
        save_file(whole, partial, {"about": json.dumps(about or {})})
        partial.chmod(0o644)  # the library makes it for its owner alone
        replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_arrays(path: Path) -> tuple[Arrays, dict[str, Any]]:
    """What `write_arrays` wrote. Raises OSError or ValueError (no such file, or it is damaged)."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["about"])  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); put it back from a backup, or train again") from None


def write_text(path: Path, text: str) -> None:
    """Write a text file that is the old one or the new one, but never half."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, "utf-8")
    replace(partial, path)


def replace(partial: Path, path: Path) -> None:
    """Put a complete file in its place; after a power cut too it is one or the other."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


class FileCheckpoint:
    """A checkpoint in one file, so that a kill at any moment leaves the last whole one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, epoch: int, state: Arrays, meta: dict[str, Any]) -> None:
        """Replace the checkpoint by this one. See `gnn.scorer.Checkpoint`."""
        write_arrays(self.path, state, {"epoch": epoch, "meta": meta})

    def load(self) -> tuple[int, Arrays, dict[str, Any]] | None:
        """The last checkpoint, or None. Raises ValueError when it is damaged."""
        if not self.path.exists():
            return None
        state, about = read_arrays(self.path)
        return about["epoch"], state, about["meta"]

    def forget(self) -> None:
        """Remove it: the run is finished and keeps its best parameters elsewhere."""
        self.path.unlink(missing_ok=True)
