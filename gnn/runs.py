"""The run folder: everything that one training run was and found, in files that any language reads. No pickle.

runs/NAME/config.toml        the configuration with every default spelt out; train it again from here
          run.json           state, git head, hashes of graph and data, seeds, versions, sizes, seconds
          trace.jsonl        one line an epoch: loss, speed, validation MRR
          metrics.json       what the evaluation found, the baseline beside each number
          calibration.json   how scores become probabilities, and how well (gnn/calibration.py); graphs only
          model.safetensors  parameters        checkpoint.safetensors  while it trains: what `--resume` needs
          vectors.npy        (entities, d) float32, row for row the names in entities.arrow
          MODEL_CARD.md      the same for people    plots/
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gnn.checkpoint import FileCheckpoint, read_arrays, write_arrays, write_text
from gnn.config import ConfigError, RunConfig, parse_config
from gnn.scorer import Arrays, Epoch
from gnn.triples import Vocabulary

# What a resumed run may do differently: none of these changes what is learned from what.
_MAY_CHANGE = {f"training.{key}" for key in ("epochs", "patience", "learning_rate", "batch", "negatives")} | {
    "evaluation.batch"
}

CALIBRATION = "calibration.json"
State = Literal["training", "unfinished", "failed", "finished"]


class RunError(Exception):
    """A run folder that is not there, not whole, or not the one that is needed: which, why, and the way out."""


@dataclass(frozen=True)
class Run:
    """A run in its folder. `record` is run.json as it was when the run was opened."""

    folder: Path
    config: RunConfig
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The folder's name, which no other run beside it has."""
        return self.folder.name

    @property
    def state(self) -> State:
        """finished; training (a process is at it); unfinished (it was killed); failed (it cannot go on as it is)."""
        said: State = self.record["state"]
        if said != "training":
            return said
        return "training" if _is_held(self.folder) else "unfinished"

    @property
    def checkpoint(self) -> FileCheckpoint:
        """What a killed run goes on from."""
        return FileCheckpoint(self.folder / "checkpoint.safetensors")

    def note(self, **facts: Any) -> Run:
        """Write facts into run.json; returns the run with them."""
        path = self.folder / "run.json"
        record = (json.loads(path.read_text("utf-8")) if path.exists() else dict(self.record)) | facts
        write_text(path, as_json(record))
        return Run(self.folder, self.config, record)

    def changed(self, config: RunConfig, keys: Iterable[str]) -> Run:
        """The same run with another configuration from here on; run.json keeps what it was."""
        was = dict(leaves(self.config.model_dump(mode="json")))
        before = [*self.record.get("changed", ()), {key: was.get(key) for key in keys}]
        write_text(self.folder / "config.toml", as_toml(config))
        return Run(self.folder, config, self.note(changed=before).record)

    def log(self, epoch: Epoch) -> None:
        """Add an epoch's line to trace.jsonl."""
        with (self.folder / "trace.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(epoch)) + "\n")

    def rewind(self, epoch: int) -> None:
        """Forget what trace.jsonl says of epochs after this one: a killed run makes them again."""
        kept = [line for line in self.trace() if line["number"] <= epoch]
        write_text(self.folder / "trace.jsonl", "".join(json.dumps(line) + "\n" for line in kept))

    def trace(self) -> list[dict[str, Any]]:
        """The epochs, in order, as trace.jsonl has them."""
        path = self.folder / "trace.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        epochs: dict[int, dict[str, Any]] = {}
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # a kill may leave half a line
                epoch = json.loads(line)
                epochs[epoch["number"]] = epoch
        return [epochs[number] for number in sorted(epochs)]

    def metrics(self) -> dict[str, Any]:
        """What the evaluation found. Raises RunError when the run is not finished."""
        found: dict[str, Any] = json.loads(self._whole("metrics.json").read_text("utf-8"))
        return found

    def vocabulary(self) -> Vocabulary:
        """The names of the entities and relations, in the order of their numbers. Raises RunError."""
        with pa.memory_map(str(self._whole("entities.arrow"))) as source:
            entities = pa.ipc.open_file(source).read_all().column("entity").to_pylist()
        return Vocabulary(tuple(entities), tuple(self.record["relations"]))

    def vectors(self) -> npt.NDArray[np.float32]:
        """One vector an entity, (entities, d) float32, memory-mapped. Raises RunError."""
        found: npt.NDArray[np.float32] = np.load(self._whole("vectors.npy"), mmap_mode="r", allow_pickle=False)
        return found

    def parameters(self) -> Arrays:
        """The model's parameters at its best validation MRR, by name. Raises RunError."""
        try:
            return read_arrays(self._whole("model.safetensors"))[0]
        except ValueError as error:
            raise RunError(str(error)) from None

    def keep(self, vocabulary: Vocabulary, parameters: Arrays, vectors: npt.NDArray[np.float32]) -> None:
        """Write what was learned: parameters, one vector an entity, and the entities' names."""
        write_arrays(self.folder / "model.safetensors", parameters)
        np.save(self.folder / "vectors.npy", np.asarray(vectors, np.float32), allow_pickle=False)
        table = pa.table({"entity": pa.array(vocabulary.entities, pa.large_string())})
        with pa.OSFile(str(self.folder / "entities.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training into this folder meanwhile. Raises RunError."""
        number = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(number)
            raise RunError(f"{self.folder} is being trained by another process; wait for it, or name another") from None
        try:
            yield
        finally:
            os.close(number)

    def _whole(self, name: str) -> Path:
        path = self.folder / name
        if path.exists():
            return path
        if self.state == "finished":
            raise RunError(f"{path} is gone; put it back from a backup, or train again")
        raise RunError(f"{self.folder} is {self.state}, so it has no {name} yet; go on with: {resume_command(self)}")


def new_run(runs: Path, config: RunConfig, facts: Mapping[str, Any]) -> Run:
    """Make a folder for a run: NAME, or NAME-2 and so on, past all that are taken. `facts` go into run.json."""
    if not config.name or config.name != Path(config.name).name or config.name.startswith("."):
        raise ConfigError(f"{config.name!r} is no name for a run: it becomes a folder's name")
    runs.mkdir(parents=True, exist_ok=True)
    # Past all of them: a name that was once published must not come to mean another run.
    number = 1 + max((_number(path.name, config.name) for path in runs.iterdir()), default=0)
    while True:
        folder = runs / (config.name if number == 1 else f"{config.name}-{number}")
        try:
            folder.mkdir()
            break
        except FileExistsError:
            number += 1
    write_text(folder / "config.toml", as_toml(config))
    return Run(folder, config, {"state": "training"}).note(**facts)


def _number(folder: str, name: str) -> int:
    """Which run of a name a folder is: 1 for NAME, 2 for NAME-2, 0 for another's."""
    found = re.fullmatch(rf"{re.escape(name)}(?:-([1-9]\d*))?", folder)
    return int(found[1] or 1) if found else 0


def open_run(folder: Path) -> Run:
    """Open a run folder. Raises RunError when it is none, with the names of those that are beside it."""
    try:
        record = json.loads((folder / "run.json").read_text("utf-8"))
        return Run(folder, parse_config(_toml(folder / "config.toml"), str(folder / "config.toml")), record)
    except (FileNotFoundError, NotADirectoryError):
        beside = [run.name for run in list_runs(folder.parent)]
        there = f"; in {folder.parent} there are: {', '.join(beside)}" if beside else ""
        raise RunError(f"{folder} is no run{there}") from None
    except (ValueError, ConfigError) as error:
        raise RunError(f"{folder} cannot be read: {error}") from None


def list_runs(runs: Path) -> list[Run]:
    """The runs in a folder, in the order in which they were begun; folders that are none are left out."""
    found = []
    for path in runs.glob("*/run.json"):
        with contextlib.suppress(RunError):
            found.append(open_run(path.parent))
    return sorted(found, key=lambda run: (run.record.get("made", ""), run.name))


def unfinished(runs: Path, config: RunConfig) -> Run:
    """The last killed or failed run of this configuration, to go on with. Raises RunError saying what there is instead.

    How fast and how long it learns may have been changed meanwhile (a lower learning rate after a loss that was not a
    number); run.json says so then.
    """
    named = [run for run in list_runs(runs) if run.config.name == config.name]
    broken = [run for run in reversed(named) if run.state in ("unfinished", "failed")]
    reasons = []
    for run in broken:
        changed = differences([run.config, config])
        if fixed := [key for key in changed if key not in _MAY_CHANGE]:
            reasons.append(f"{run.folder} is {run.state}, but differs in {', '.join(fixed)}")
        elif not run.checkpoint.path.exists():
            reasons.append(f"{run.folder} is {run.state}, but stopped before its first checkpoint")
        else:
            return run.changed(config, changed) if changed else run
    why = "; ".join(reasons) or f"{runs} has no unfinished run named {config.name!r}"
    raise RunError(f"nothing to resume: {why}; train anew, without --resume")


def resume_command(run: Run) -> str:
    """What to type so that a run goes on."""
    return f"reelgraph train {run.folder / 'config.toml'} --runs {run.folder.parent} --resume"


def differences(configs: Iterable[RunConfig]) -> list[str]:
    """The keys in which configurations differ ("training.epochs"); their names aside."""
    flat = [dict(leaves(config.model_dump(mode="json"))) for config in configs]
    keys = dict.fromkeys(key for one in flat for key in one)
    return [key for key in keys if key != "name" and any(one.get(key) != flat[0].get(key) for one in flat)]


def as_json(value: Any) -> str:
    """JSON that a person can read, with a line end."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"


def as_toml(config: RunConfig) -> str:
    """A configuration as TOML, every default spelt out; `parse_config` reads it back equal."""
    sections = config.model_dump(mode="json", exclude_none=True)
    lines = [f"{key} = {_value(value)}" for key, value in sections.items() if not isinstance(value, dict)]
    for name, section in sections.items():
        if isinstance(section, dict):
            lines += ["", f"[{name}]", *(f"{key} = {_value(value)}" for key, value in section.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _toml(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text("utf-8"))


def leaves(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested data as ("training.epochs", 100) and so on."""
    for key, one in value.items():
        if isinstance(one, dict) and one:
            yield from leaves(one, f"{before}{key}.")
        else:
            yield f"{before}{key}", one


def _is_held(folder: Path) -> bool:
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(number)
    return False
