"""What a run needs before it can learn: triples of one version of the graph, split, audited; and what to write down."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import importlib.util
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnn.config import ConfigError, RunConfig
from gnn.scorer import TrainingError
from gnn.title_models import TITLE_MODELS
from gnn.triples import Split
from graph.store import GraphStore, StoreBusy

if TYPE_CHECKING:
    from gnn.audit import Audit

GRAPH_NETWORKS = ("RGCN", "GraphSAGE")
_READINGS = 3
_LIBRARIES = ("reelgraph", "torch", "pykeen", "dgl", "numpy", "scipy", "safetensors")


class NotInstalled(TrainingError):
    """A package of the `train` extra is absent; says what to install."""


@dataclass(frozen=True)
class Prepared:
    """What a model is trained on. graph_hash: of the graph, or of the triples where a folder was read."""

    split: Split
    audit: Audit
    graph_hash: str
    features: npt.NDArray[np.float32] | None = None


def needs(*packages: str) -> None:
    """Raise NotInstalled, saying what to install, when a package is absent."""
    if missing := absent(*packages):
        raise NotInstalled(f"{' and '.join(missing)} must be installed for this: pip install 'reelgraph[train]'")


def absent(*packages: str) -> list[str]:
    """Those of these packages that are not installed."""
    return [package for package in packages if importlib.util.find_spec(package) is None]


def needed(config: RunConfig) -> tuple[str, ...]:
    """The packages that training a model takes, beyond the core; those of PyKEEN for a name that nobody knows."""
    if (model := TITLE_MODELS.get(config.model.name)) is not None:
        return model.needs
    return ("torch", "dgl" if config.model.name in GRAPH_NETWORKS else "pykeen")


def check_model(config: RunConfig) -> None:
    """Refuse an unknown model before the graph is read. Raises ConfigError or NotInstalled."""
    needs(*needed(config))
    if config.model.name in TITLE_MODELS or config.model.name in GRAPH_NETWORKS:
        return
    from pykeen.models import model_resolver

    from gnn.kge import nearest

    try:
        model_resolver.lookup(config.model.name)
    except KeyError:
        names = [*sorted(class_.__name__ for class_ in model_resolver), *GRAPH_NETWORKS, *TITLE_MODELS]
        near = nearest(config.model.name, names)
        raise ConfigError(f"model.name: there is no model {config.model.name!r}{near}") from None


def prepare(config: RunConfig, store: GraphStore | None) -> Prepared:
    """Read the triples (from the store, or from graph.folder), split them, look for leaks, make features.

    Raises TriplesError, ConfigError where nothing is left to learn from, and StoreError.
    """
    from gnn.audit import audit

    if config.graph.folder is not None:
        from gnn.triples import read_folder

        split = read_folder(config.graph.folder)
        _check_parts(split)
        return Prepared(split, audit(split), split.data_hash)
    if store is None:
        raise ConfigError("there is neither a store nor graph.folder to train on")
    split, hash_ = _read(config, store)
    _check_parts(split)
    features = None
    if config.model.name in GRAPH_NETWORKS:
        from gnn.features import node_features

        features = node_features(store, split.vocabulary)
    return Prepared(split, audit(split), hash_, features)


def _read(config: RunConfig, store: GraphStore) -> tuple[Split, str]:
    """Triples of one version of the graph: read again when a load came in between."""
    from gnn.split import split
    from gnn.triples import graph_triples, release_years

    for _ in range(_READINGS):
        before, hash_ = store.info().version, store.info().graph_hash
        vocabulary, triples = graph_triples(store, config.graph)
        years = release_years(store, vocabulary) if config.split.kind == "year" else None
        parts = split(vocabulary, triples, config.split, years)
        if store.info().version == before:
            return parts, hash_
    raise StoreBusy(f"{store.url} was loaded anew each time while it was read; train when the loads are done")


def _check_parts(split: Split) -> None:
    for part in ("train", "valid"):
        if not len(getattr(split, part)):
            raise ConfigError(f"no triple is in {part} (split: {split.kind}); load more, or change [graph] or [split]")


def facts(config: RunConfig, prepared: Prepared) -> dict[str, Any]:
    """What run.json says from the beginning; nothing in it depends on the machine or on where the run lies."""
    split = prepared.split
    return provenance_facts(config, prepared.graph_hash, split.data_hash) | {
        "seeds": {"run": config.seed, "split": config.split.seed},
        "split": split.kind,
        "entities": len(split.vocabulary.entities),
        "relations": list(split.vocabulary.relations),
        "triples": {"train": len(split.train), "valid": len(split.valid), "test": len(split.test)},
    }


def provenance_facts(config: RunConfig, graph_hash: str, data_hash: str) -> dict[str, Any]:
    """Of which model, code, graph, data and libraries a run is."""
    return {
        "model": config.model.name,
        "made": now(),
        "git": _git_head(),
        "graph_hash": graph_hash,
        "data_hash": data_hash,
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _LIBRARIES},
    }


def now() -> str:
    """The time, ISO 8601, UTC."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git_head() -> str | None:
    """The commit of this code, with `+` where files differ from it; None outside its own repository."""
    git, root = shutil.which("git"), Path(__file__).resolve().parents[1]
    if git is None or not (root / ".git").exists():
        return None
    head, changed = (
        subprocess.run([git, "-C", str(root), *command], capture_output=True, text=True, check=False)  # noqa: S603
        for command in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
    )
    return head.stdout.strip() + ("+" if changed.stdout.strip() else "") if head.returncode == 0 else None
