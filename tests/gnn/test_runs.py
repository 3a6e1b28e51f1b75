"""The run folder: names, states, checkpoints and traces survive a kill; nothing in it is a pickle."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gnn.checkpoint import FileCheckpoint, read_arrays, write_arrays
from gnn.compare import compare
from gnn.config import ConfigError, RunConfig, parse_config, read_config
from gnn.runs import RunError, as_json, as_toml, list_runs, new_run, open_run, unfinished
from gnn.scorer import Epoch
from gnn.triples import Vocabulary

ROOT = Path(__file__).parents[2]
VOCABULARY = Vocabulary(("Title:tt1", "Genre:Drama", "year:1990"), ("IN_GENRE", "RELEASED_IN"))
FACTS = {"made": "2026-11-21T10:00:00+00:00", "data_hash": "d", "graph_hash": "g", "relations": VOCABULARY.relations}


def config(**keys: object) -> RunConfig:
    return parse_config({"name": "small", **keys})


def finished(runs: Path, chosen: RunConfig | None = None, mrr: float = 0.5, **facts: object):
    run = new_run(runs, chosen or config(), FACTS | facts)
    run.keep(VOCABULARY, {"entities": np.ones((3, 4), np.float32)}, np.ones((3, 4), np.float32))
    figures = {"mrr": mrr, "hits@1": 0.1, "hits@3": 0.2, "hits@10": 0.3, "amri": 0.4, "queries": 20, "kind": "full"}
    metrics = {"test": {"model": figures, "popularity": figures | {"mrr": 0.01}}, "audit": {"lines": []}}
    (run.folder / "metrics.json").write_text(as_json(metrics))
    return run.note(state="finished")


# The folder


def test_config_is_read_back_equal_with_every_default_spelt_out(tmp_path):
    options = {"p": 2, "nested": {"a b": [1, 2.5, 'x"y']}, "on": True}
    given = config(
        graph={"folder": "some/where", "relations": ["IN_GENRE"]}, model={"name": "TransE", "options": options}
    )
    run = new_run(tmp_path, given, FACTS)
    assert open_run(run.folder).config == given
    assert read_config(run.folder / "config.toml") == given
    assert set(re.findall(r"^(\w+) = ", as_toml(config()), re.M)) >= {
        "seed",
        "valid",
        "dimension",
        "patience",
        "sampled",
    }


def test_a_name_is_never_overwritten(tmp_path):
    names = [new_run(tmp_path, config(), FACTS).name for _ in range(3)]
    assert names == ["small", "small-2", "small-3"]
    assert [run.name for run in list_runs(tmp_path)] == names


def test_nor_given_to_another_run_when_the_first_is_removed(tmp_path):
    runs = [new_run(tmp_path, config(), FACTS) for _ in range(3)]
    (tmp_path / "small-9x").mkdir()
    shutil.rmtree(runs[0].folder)
    shutil.rmtree(runs[1].folder)
    assert new_run(tmp_path, config(), FACTS).name == "small-4"


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "/abs"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(ConfigError, match="no name for a run"):
        new_run(tmp_path, config(name=name), FACTS)


def test_what_was_learned_is_read_back(tmp_path):
    run = open_run(finished(tmp_path).folder)
    assert run.vocabulary() == VOCABULARY
    assert run.vectors().dtype == np.float32
    assert run.parameters()["entities"].tolist() == np.ones((3, 4)).tolist()
    assert run.state == "finished"


def test_no_pickle_is_written_or_read(tmp_path):
    run = finished(tmp_path)
    run.checkpoint.save(1, {"x": np.arange(3)}, {})
    for path in run.folder.rglob("*"):
        head = path.read_bytes()[:2] if path.is_file() else b""
        assert not (len(head) == 2 and head[0] == 0x80 and head[1] <= 5), f"{path} is a pickle"
        if path.suffix == ".npy":
            np.load(path, allow_pickle=False)
    for path in (ROOT / "gnn").glob("*.py"):
        text = path.read_text("utf-8")
        assert not re.search(r"\bimport (pickle|joblib|dill)|torch\.(save|load)\(|allow_pickle=True", text), path
        for call in re.findall(r"np\.load\((?:[^()]|\([^()]*\))*\)", text):
            assert "allow_pickle=False" in call, f"{path}: {call}"


def test_what_is_no_run_is_named_with_those_beside_it(tmp_path):
    finished(tmp_path)
    with pytest.raises(RunError, match=r"smal is no run; in .* there are: small"):
        open_run(tmp_path / "smal")
    (tmp_path / "small" / "run.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        open_run(tmp_path / "small")
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "none") == []


def test_a_file_that_is_not_there_yet_or_not_any_more(tmp_path):
    run = new_run(tmp_path, config(), FACTS)
    with pytest.raises(RunError, match=r"is unfinished, so it has no vectors.npy yet; go on with: reelgraph train"):
        run.vectors()
    done = finished(tmp_path)
    (done.folder / "vectors.npy").unlink()
    with pytest.raises(RunError, match="is gone"):
        done.vectors()
    (done.folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(RunError, match="damaged"):
        done.parameters()


# States


def test_a_run_is_training_while_a_process_holds_it(tmp_path):
    run = new_run(tmp_path, config(), FACTS)
    assert run.state == "unfinished"
    with run.held():
        assert run.state == "training"
        with pytest.raises(RunError, match="trained by another process"), run.held():
            pass
    assert run.state == "unfinished"


def test_notes_add_up(tmp_path):
    run = new_run(tmp_path, config(), FACTS)
    run.note(epochs=3)
    run.note(state="failed", problem="no number")
    record = open_run(run.folder).record
    assert (record["epochs"], record["state"], record["data_hash"]) == (3, "failed", "d")


def test_trace_forgets_what_a_killed_run_makes_again(tmp_path):
    run = new_run(tmp_path, config(), FACTS)
    for number in (1, 2, 3):
        run.log(Epoch(number, 1 / number, 1000.0, 5.0, 0.5 if number == 2 else None))
    with (run.folder / "trace.jsonl").open("a") as file:
        file.write('{"number": 4, "lo')
    assert [line["number"] for line in run.trace()] == [1, 2, 3]
    run.rewind(2)
    run.log(Epoch(3, 0.3, 1000.0, 5.0))
    assert [line["number"] for line in run.trace()] == [1, 2, 3]
    assert run.trace()[-1]["loss"] == 0.3
    assert (run.folder / "trace.jsonl").read_text().count("\n") == 3


def test_what_may_be_resumed(tmp_path):
    with pytest.raises(RunError, match="no unfinished run named 'small'"):
        unfinished(tmp_path, config())
    finished(tmp_path)
    run = new_run(tmp_path, config(), FACTS)
    with pytest.raises(RunError, match="before its first checkpoint"):
        unfinished(tmp_path, config())
    run.checkpoint.save(5, {"x": np.zeros(1)}, {})
    assert unfinished(tmp_path, config()).folder == run.folder
    with pytest.raises(RunError, match=r"differs in model.dimension, seed|differs in seed, model.dimension"):
        unfinished(tmp_path, config(seed=1, model={"dimension": 8}))
    slower = config(training={"learning_rate": 0.01})
    assert unfinished(tmp_path, slower).config == slower
    record = open_run(run.folder).record
    assert record["changed"] == [{"training.learning_rate": 0.1}]
    assert open_run(run.folder).config == slower


def test_runs_beside_each_other(tmp_path):
    one = finished(tmp_path, mrr=0.4)
    other = finished(tmp_path, config(model={"dimension": 8}), mrr=0.6, data_hash="e")
    found = compare([one, other, new_run(tmp_path, config(), FACTS)])
    assert [row["mrr"] for row in found.rows] == [0.4, 0.6, None]
    assert [row["popularity_mrr"] for row in found.rows] == [0.01, 0.01, None]
    assert found.settings == {"model.dimension": [64, 8, 64]}
    assert ["different data" in warning for warning in found.warnings] == [True]


# Checkpoints


def test_arrays_of_every_shape_and_kind_come_back(tmp_path):
    given = {
        "row.major": np.arange(6, dtype=np.float32).reshape(2, 3),
        "turned": np.arange(6, dtype=np.float64).reshape(2, 3).T,
        "number": np.array(7, np.int64),
        "none": np.empty((0, 4), np.float32),
        "bytes": np.arange(5, dtype=np.uint8),
    }
    write_arrays(tmp_path / "a.safetensors", given, {"epoch": 3})
    arrays, about = read_arrays(tmp_path / "a.safetensors")
    assert about == {"epoch": 3}
    for name, array in given.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_checkpoint(tmp_path):
    checkpoint = FileCheckpoint(tmp_path / "checkpoint.safetensors")
    assert checkpoint.load() is None
    checkpoint.save(4, {"x": np.ones(2)}, {"best": 0.5})
    checkpoint.save(6, {"x": np.zeros(2)}, {"best": 0.6})
    epoch, state, meta = checkpoint.load()
    assert (epoch, state["x"].tolist(), meta) == (6, [0.0, 0.0], {"best": 0.6})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:40])
    with pytest.raises(ValueError, match="damaged"):
        checkpoint.load()
    checkpoint.forget()
    assert checkpoint.load() is None


_SAVING = """
import sys, numpy as np
from pathlib import Path
from gnn.checkpoint import FileCheckpoint
kept = FileCheckpoint(Path(sys.argv[1]))
for epoch in range(10**9):
    kept.save(epoch, {"x": np.full(500_000, epoch, np.float32)}, {"epoch": epoch})
"""


def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path):
    checkpoint = FileCheckpoint(tmp_path / "checkpoint.safetensors")
    for wait in (0.0, 0.01, 0.05):
        command = [sys.executable, "-c", _SAVING, checkpoint.path]
        with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
            while not checkpoint.path.exists() and process.poll() is None:
                time.sleep(0.005)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
        epoch, state, meta = checkpoint.load()
        assert meta == {"epoch": epoch}
        assert (state["x"] == epoch).all()
