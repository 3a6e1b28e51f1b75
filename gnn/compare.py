"""Runs beside each other: their figures in rows, the settings in which they differ, and which must not be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gnn.runs import Run, differences, leaves


@dataclass(frozen=True)
class Comparison:
    """rows: one dict a run, as `row` makes it. settings: key → one value a run. warnings: what forbids comparing."""

    rows: list[dict[str, Any]]
    settings: dict[str, list[Any]]
    warnings: list[str]


def row(run: Run) -> dict[str, Any]:
    """A run's figures on its test triples, those of the baseline, and what it took; None where it is not finished."""
    record, config = run.record, run.config
    found: dict[str, Any] = {
        "name": run.name,
        "model": config.model.name,
        "dimension": config.model.dimension,
        "state": run.state,
        "made": record.get("made"),
        "data_hash": record.get("data_hash"),
        "epochs": record.get("epochs") or len(run.trace()),
        "seconds": record.get("seconds", {}).get("train"),
        **dict.fromkeys(("mrr", "hits@1", "hits@3", "hits@10", "amri", "queries", "kind", "popularity_mrr")),
    }
    if run.state == "finished" and "test" in run.metrics():
        test = run.metrics()["test"]
        found |= {key: test["model"][key] for key in found if key in test["model"]}
        found["popularity_mrr"] = test["popularity"]["mrr"]
    if "problem" in record and run.state == "failed":
        found["problem"] = record["problem"]
    return found


def compare(runs: Sequence[Run]) -> Comparison:
    """Rows for runs, where their settings differ, and why their figures may not be comparable."""
    rows = [row(run) for run in runs]
    flat = [dict(leaves(run.config.model_dump(mode="json"))) for run in runs]
    settings = {key: [one.get(key) for one in flat] for key in differences([run.config for run in runs])}
    warnings = []
    if len({one["data_hash"] for one in rows}) > 1:
        warnings.append("they were tested on different data (data_hash): their figures cannot be compared")
    if len({one["kind"] for one in rows if one["kind"]}) > 1:
        warnings.append("some figures are sampled estimates, others full ranks: never compare them")
    return Comparison(rows, settings, warnings)
