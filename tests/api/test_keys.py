"""Keys: what of them is kept, how long they are remembered, and the commands that make and revoke them."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import reelgraph
from api.figures import figures_of
from api.keys import Holder, Keys, keys, make, revoke
from graph.exports.parquet import export_parquet
from graph.store import GraphStore, NotInGraph, StoreError

OWN = "a key that an environment holds, long"
Run = Callable[..., tuple[int, str, str]]


def held(store: GraphStore, own: str | None = None, seconds: float = 60) -> Keys:
    made = Keys(store, SecretStr(own) if own else None, seconds)
    made.refresh()
    return made


def test_a_key_is_known_by_its_digest_alone(own_store: GraphStore, tmp_path: Path) -> None:
    made, key = make(own_store, "editors", "write")
    found = re.fullmatch(r"rg_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", key)
    assert found is not None
    assert (found[1], keys(own_store)) == (made.id, [made])
    assert (made.name, made.role) == ("editors", "write")
    assert held(own_store).made(key) == Holder(made.id, "write")
    files = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if found[2].encode() in path.read_bytes()]


@pytest.mark.parametrize("change", [str.upper, lambda key: key[:-1], lambda key: key + "x", lambda key: "rg" + key,
                                    lambda key: key.replace("rg_", "rg"), lambda _: "", lambda _: "rg__",
                                    lambda key: key.rpartition("_")[0] + "_", lambda _: "\ud800"])  # fmt: skip
def test_what_is_not_quite_the_key(own_store: GraphStore, change: Callable[[str], str]) -> None:
    _, key = make(own_store, "reader", "read")
    known = held(own_store, OWN)
    assert known.made(change(key)) is None
    assert known.given(change(key)) is None


def test_a_key_opens_only_with_its_own_id(own_store: GraphStore) -> None:
    (one, first), (two, second) = make(own_store, "one", "read"), make(own_store, "two", "admin")
    swapped = f"rg_{two.id}_{first.removeprefix(f'rg_{one.id}_')}"
    assert held(own_store).made(swapped) is None
    assert [held(own_store).made(key) for key in (first, second)] == [Holder(one.id, "read"), Holder(two.id, "admin")]


def test_the_environments_key_is_an_administrators(own_store: GraphStore) -> None:
    known = held(own_store, OWN)
    assert (known.any(), known.given(OWN), known.given(OWN + "x")) == (True, Holder("environment", "admin"), None)
    assert (held(own_store).any(), held(own_store).given("")) == (False, None)


def test_a_revoked_key_ends_and_the_others_stay(own_store: GraphStore) -> None:
    (one, first), (_, second) = make(own_store, "one", "read"), make(own_store, "two", "read")
    revoke(own_store, one.id)
    known = held(own_store)
    assert (known.made(first), known.made(second) is None, [key.name for key in keys(own_store)]) == (
        None, False, ["two"],
    )  # fmt: skip
    with pytest.raises(NotInGraph, match=f"there is no key '{one.id}'"):
        revoke(own_store, one.id)


def test_keys_are_remembered_for_a_while_so_that_requests_cost_no_reading(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, key = make(own_store, "reader", "read")
    client, labels, real = served(own_store), [], own_store.scan_nodes
    monkeypatch.setattr(own_store, "scan_nodes", lambda label, *rest: labels.append(label) or real(label, *rest))
    clock = [100.0]
    monkeypatch.setattr("api.keys.time.monotonic", lambda: clock[0])
    sent = {"Authorization": f"Bearer {key}"}
    assert {client.get("/catalogs", headers=sent).status_code for _ in range(5)} == {200}
    before = labels.count("ApiKey")
    assert before <= 1
    revoke(own_store, made.id)
    make(own_store, "other", "read")
    assert (client.get("/catalogs", headers=sent).status_code, labels.count("ApiKey")) == (200, before)
    clock[0] += 5.1
    assert (client.get("/catalogs", headers=sent).status_code, labels.count("ApiKey")) == (401, before + 1)


def test_while_the_store_does_not_answer_no_key_is_right(
    own_store: GraphStore, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> Any:
        raise StoreError("gone")

    client = served(own_store, api_key=OWN)
    monkeypatch.setattr(own_store, "scan_nodes", fail)
    got = client.get("/catalogs", headers={"X-Api-Key": OWN})
    assert (got.status_code, got.headers["content-type"]) == (503, "application/problem+json")
    assert client.get("/health/live").status_code == 200


def test_keys_are_neither_exported_nor_counted_in_public(own_store: GraphStore, tmp_path: Path) -> None:
    make(own_store, "reader", "read")
    assert own_store.info().counts["ApiKey"] == 1
    assert "ApiKey" not in export_parquet(own_store, tmp_path / "tables").names
    assert "ApiKey" not in figures_of(own_store)["counts"]


@pytest.fixture
def run(own_store: GraphStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """`reelgraph keys …`: exit code, standard output, standard error."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["reelgraph", "keys", *arguments, "--store", own_store.url])
        with pytest.raises(SystemExit) as left:
            reelgraph.main()
        return (int(left.value.code or 0), *capsys.readouterr())

    yield run
    for number, handler in before:
        signal.signal(number, handler)


def test_make_list_and_revoke(run: Run, own_store: GraphStore) -> None:
    assert run("list")[1] == "There are no keys: the service answers this machine alone.\n"
    code, key, said = run("make", "The editors", "--role", "write")
    (made,) = keys(own_store)
    assert (code, said) == (0, f"Key {made.id} for The editors, role write. It is shown this once:\n")
    assert held(own_store).made(key.removesuffix("\n")) == Holder(made.id, "write")
    _, listed, _ = run("list")
    assert listed.splitlines()[1].split() == [made.id, "The", "editors", "write", made.made]
    assert key.strip() not in listed
    assert run("revoke", made.id) == (0, f"Key {made.id} is revoked.\n", "")
    code, out, said = run("revoke", made.id)
    assert (code, out) == (2, "")
    assert said.startswith(f"reelgraph: there is no key '{made.id}'; `reelgraph keys list` names them")


def test_the_same_for_scripts(run: Run, own_store: GraphStore) -> None:
    made = json.loads(run("make", "ci", "--role", "admin", "--json")[1])
    key = made.pop("key")
    assert held(own_store).made(key) == Holder(made["id"], "admin")
    assert json.loads(run("list", "--json")[1]) == [made]
    assert json.loads(run("revoke", made["id"], "--json")[1]) == {"revoked": made["id"]}
    assert json.loads(run("list", "--json")[1]) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("make", "x"), "--role"),
        (("make", "x", "--role", "root"), "'root' is not one of"),
        (("make", "", "--role", "read"), "give a name of 1 to 100 letters"),
        (("make", "x" * 101, "--role", "read"), "give a name of 1 to 100 letters"),
        (("make", "a\nb", "--role", "read"), "give a name of 1 to 100 letters"),
        (("revoke",), "ID"),
    ],
)
def test_what_was_given_wrong(run: Run, own_store: GraphStore, arguments: tuple[str, ...], says: str) -> None:
    code, out, said = run(*arguments)
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert says in said
    assert keys(own_store) == []
