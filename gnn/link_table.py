"""The task `link-prediction` of `reelgraph evaluate`: the runs beside each other, by what their test triples said.

Ranks are filtered and realistic, of both sides (`gnn.evaluate`); a run's own evaluation made them when it was trained,
on triples that nothing was learned from or chosen by. Only runs on the same triples (`data_hash`) can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gnn.config import ConfigError
from gnn.evaluation_cache import files_hash
from gnn.evaluation_tasks import Given
from gnn.printed import interval, number, say, table
from gnn.runs import Run, list_runs
from gnn.triples import read_folder

FIGURES = {"mrr": "MRR", "hits@1": "Hits@1", "hits@3": "Hits@3", "hits@10": "Hits@10"}
BASELINE = "popularity"


def judge(given: Given) -> dict[str, Any]:
    """All finished runs, or those that are named with --strategy; with --data FOLDER those trained on its triples.

    Raises ConfigError where there is none.
    """
    setting = given.setting
    there = {run.name: run for run in list_runs(setting.runs) if run.state == "finished" and "test" in run.metrics()}
    for name in setting.strategies:
        if name not in there and name != BASELINE:
            raise ConfigError(f"{setting.runs} has no finished run {name!r} of a model of links; {_named(there)}")
    chosen = {name: run for name, run in there.items() if not setting.strategies or name in setting.strategies}
    if setting.data is not None:
        hash_ = read_folder(setting.data).data_hash
        chosen = {name: run for name, run in chosen.items() if run.record["data_hash"] == hash_}
        if not chosen:
            raise ConfigError(f"none of the runs was trained on {setting.data}; {_named(there)}")
    if not chosen:
        raise ConfigError(
            f"no finished run of a model of links is in {setting.runs}; train one: reelgraph train configs/complex.toml"
        )
    hashes = list(dict.fromkeys(run.record["data_hash"] for run in chosen.values()))
    rows = []
    for hash_ in hashes:
        own = [run for run in chosen.values() if run.record["data_hash"] == hash_]
        rows += [_baseline(own[0]), *(_row(run) for run in own)]
    return {
        "task": "link-prediction", "data": f"test triples of {len(hashes)} splits", "compared_with": None,
        "figures": FIGURES, "strategies": rows, "left_out": {},
        "data_hashes": {hash_: _about(chosen, hash_) for hash_ in hashes},
    }  # fmt: skip


def identity(given: Given) -> Any:
    """What names the data: what the runs found, and the folder of triples that chooses among them."""
    metrics = [(run.name, files_hash(run.folder / "metrics.json")) for run in list_runs(given.setting.runs)
               if (run.folder / "metrics.json").exists()]  # fmt: skip
    return [metrics, None if given.setting.data is None else files_hash(given.setting.data)]


def show(found: dict[str, Any]) -> None:
    """Print it for a person to read."""
    for hash_, about in found["data_hashes"].items():
        triples = about["triples"]
        say(
            f"{hash_}: {about['entities']:,} entities; {triples['train']:,} training, {triples['valid']:,} valid, "
            f"{triples['test']:,} test triples ({about['split']}); filtered, realistic ranks, heads and tails"
        )
        rows = [
            [
                one["strategy"], one["about"], interval(one["mrr"]) if one["mrr"]["low"] is not None
                else number(one["mrr"]["mean"]),
                *(number(one[name]["mean"]) for name in list(FIGURES)[1:]),
                *(number(one["sides"][side]) if side in one["sides"] else "" for side in ("heads", "tails")),
            ]
            for one in found["strategies"] if one["data_hash"] == hash_
        ]  # fmt: skip
        table(["run", "model", *FIGURES.values(), "MRR heads", "tails"], rows)


def _row(run: Run) -> dict[str, Any]:
    found = run.metrics()
    own = found["test"]["model"]
    low, high = own.get("mrr_95", (None, None))
    sides = {name.split()[0]: part["mrr"] for name, part in found.get("sides", {}).items()}
    figures = {name: {"mean": own[name], "low": None, "high": None} for name in FIGURES}
    figures["mrr"] |= {"low": low, "high": high}
    return {
        "strategy": run.name, "about": f"{run.config.model.name} {run.config.model.dimension}", **figures,
        "amri": own["amri"], "kind": own["kind"], "queries": own["queries"], "sides": sides,
        "data_hash": run.record["data_hash"],
        "cost": {"train_seconds": run.record.get("seconds", {}).get("train"), "query_ms": None, "bytes": _bytes(run)},
        "slices": {by: {part: {"questions": one["model"]["queries"], "mrr": {"mean": one["model"]["mrr"],
                                                                             "low": None, "high": None}}
                        for part, one in found.get(f"by_{by}", {}).items()} for by in ("relation", "degree")},
    }  # fmt: skip


def _baseline(run: Run) -> dict[str, Any]:
    own = run.metrics()["test"]["popularity"]
    return {
        "strategy": BASELINE, "about": f"what is most frequent in the triples of {run.name}",
        **{name: {"mean": own[name], "low": None, "high": None} for name in FIGURES},
        "amri": own["amri"], "kind": own["kind"], "queries": own["queries"], "sides": {},
        "data_hash": run.record["data_hash"], "cost": {"train_seconds": None, "query_ms": None, "bytes": None},
        "slices": {},
    }  # fmt: skip


def _bytes(run: Run) -> int | None:
    path = run.folder / "model.safetensors"
    return path.stat().st_size if path.exists() else None


def _about(runs: Mapping[str, Run], hash_: str) -> dict[str, Any]:
    record = next(run.record for run in runs.values() if run.record["data_hash"] == hash_)
    return {key: record[key] for key in ("entities", "triples", "split")}


def _named(runs: Mapping[str, Run]) -> str:
    return f"there are {', '.join(runs)}" if runs else "there is none"
