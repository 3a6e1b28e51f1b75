"""Dockerfile and docker-compose.yml: no Docker engine is needed to see that all they name is there."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft202012Validator

import reelgraph
from api.settings import KEY_LENGTH, Settings
from graph.settings import GraphSettings
from tests.servers.neo4j_server import NEWEST, PASSWORD, Neo4jServer

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")
UV = shutil.which("uv") or (str(ROOT / ".uv/bin/uv") if (ROOT / ".uv/bin/uv").exists() else None)


def stages() -> dict[str, list[tuple[str, str]]]:
    """The Dockerfile's stages: what each does, an instruction and its arguments at a time."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    found: dict[str, list[tuple[str, str]]] = {}
    for line in filter(None, text.splitlines()):
        instruction, rest = line.split(" ", 1)
        if instruction == "FROM":
            image, name = rest.split(" AS ")
            found[name] = list(found.get(image, []))
        found[name].append((instruction, rest))
    return found


def copied() -> list[str]:
    """What the Dockerfile copies from the folder that it is built from."""
    listed = [rest.split() for stage in stages().values() for word, rest in stage if word == "COPY"]
    return sorted({source for words in listed if not words[0].startswith("--from") for source in words[:-1]})


def arguments(service: dict[str, Any]) -> list[str]:
    """What stands behind `reelgraph` when a service of ours starts."""
    return [VARIABLE.sub(lambda found: found[3] or "x" * KEY_LENGTH, word) for word in service["command"]]


def test_compose_follows_the_specification() -> None:
    schema = get_builtin_schema("vendor.compose-spec")
    assert [error.message for error in Draft202012Validator(schema).iter_errors(COMPOSE)] == []
    assert list(Draft202012Validator(schema).iter_errors({"services": {"a": {"port": []}}})) != []


def test_the_dockerfile_passes_hadolint() -> None:
    command = [Path(sys.executable).parent / "hadolint", "--no-color", ROOT / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    words = arguments(SERVICES[name])
    group = typer.main.get_command(reelgraph.app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    with command.make_context(words[0], words[1:]) as context:
        assert context.params
    with pytest.raises(reelgraph._UsageError, match="No such option"):
        command.make_context(words[0], [*words[1:], "--of-no-command"])


def test_the_default_commands_of_the_images_too() -> None:
    group = typer.main.get_command(reelgraph.app)
    for stage in ("serve", "train"):
        last = dict(stages()[stage])
        assert last["ENTRYPOINT"] == '["reelgraph"]'
        words = yaml.safe_load(last["CMD"])
        command = group.commands[words[0]]  # type: ignore[attr-defined]
        command.make_context(words[0], [word for word in words[1:] if word != "--help"], resilient_parsing=True)


def test_every_build_has_its_stage_and_every_folder_its_place() -> None:
    volumes = set()
    for name, service in SERVICES.items():
        if name in OURS:
            assert service["build"]["context"] == "."
            assert service["build"]["target"] in stages()
        for mount in service.get("volumes", []):
            source = VARIABLE.sub(lambda found: found[3] or "", mount).split(":")[0]
            if source.startswith("./"):
                # IMDb's files are the user's own.
                assert (ROOT / source).is_dir() or source == "./imdb", mount
            else:
                volumes.add(source)
    assert volumes == set(COMPOSE["volumes"])


def test_what_is_mounted_can_be_written_by_who_runs_there() -> None:
    made = next(rest for word, rest in stages()["serve"] if word == "RUN" and "useradd" in rest)
    for name, service in OURS.items():
        targets = [mount.split(":") for mount in service.get("volumes", [])]
        for source, target in (words[:2] for words in targets if words[-1] != "ro" and not words[0].startswith("$")):
            place = target == "/tmp" or f" {target}" in made  # noqa: S108
            assert place, f"{name}: {source} is mounted at {target}, which the image does not have"


def test_every_variable_is_a_setting_and_every_secret_must_be_given() -> None:
    documented = (ROOT / "docs" / "deployment.md").read_text("utf-8")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if name.startswith("REELGRAPH_"):
                assert name.removeprefix("REELGRAPH_").lower() in Settings.model_fields
            for variable, operator, _ in VARIABLE.findall(str(value)):
                assert f"`{variable}`" in documented
                if re.search("PASSWORD|KEY|SECRET", variable):
                    assert operator == "?", f"{variable} has a value that stands in the file"
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    assert not re.search(r"(?i)(password|key|auth)\w*: *[\"']?[a-z0-9/]+[\"']?$", text, re.MULTILINE)


def test_the_store_of_the_services_is_the_neo4j_beside_them() -> None:
    for service in OURS.values():
        url = service["environment"]["REELGRAPH_STORE"]
        assert GraphSettings(store=url).store == url
        host, port = re.fullmatch(r"neo4j://(\w+):(\d+)", url).groups()  # type: ignore[union-attr]
        assert host in SERVICES
        assert any(mapping.endswith(f":{port}") for mapping in SERVICES[host]["ports"])
        assert service["depends_on"][host] == {"condition": "service_healthy"}


def test_ports_are_of_this_machine_alone_and_those_that_are_listened_to() -> None:
    for service in SERVICES.values():
        for mapping in service.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", mapping)
    words = arguments(SERVICES["service"])
    port = words[words.index("--port") + 1]
    assert dict(stages()["serve"])["EXPOSE"] == port
    assert SERVICES["service"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    gremlin = yaml.safe_load((ROOT / "docker/gremlin/server.yaml").read_text("utf-8"))
    assert SERVICES["gremlin"]["ports"] == [f"127.0.0.1:{gremlin['port']}:{gremlin['port']}"]


def test_health_is_asked_where_it_is_answered() -> None:
    from api.routes import health

    test = SERVICES["service"]["healthcheck"]["test"]
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/[a-z/]+)", test[-1])
    assert path in {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    compile(test[-1], "healthcheck", "exec")
    assert all("healthcheck" in SERVICES[name] for name in ("neo4j", "service", "gremlin"))


def test_images_are_pinned_and_nobody_is_root() -> None:
    for name, service in SERVICES.items():
        if name not in OURS:
            assert re.fullmatch(r"[\w/-]+:\d+\.\d+\.\d+", service["image"])
        assert service["cap_drop"] == ["ALL"]
    assert SERVICES["neo4j"]["image"] == f"neo4j:{NEWEST}"
    for stage in stages().values():
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+ AS \w+", stage[0][1])
    for target in {service["build"]["target"] for service in OURS.values()}:
        assert [rest for word, rest in stages()[target] if word == "USER"][-1] == "10001"


def test_gremlin_reads_files_that_are_there() -> None:
    server = SERVICES["gremlin"]
    (mount,) = server["volumes"]
    source, target, _ = mount.split(":")
    config = yaml.safe_load((ROOT / source / "server.yaml").read_text("utf-8"))
    plugins = config["scriptEngines"]["gremlin-groovy"]["plugins"]
    scripts = [file for plugin in plugins.values() for file in plugin.get("files", [])]
    for path in (*server["command"], *config["graphs"].values(), *scripts):
        assert (ROOT / source / Path(path).relative_to(target)).is_file()


def test_what_the_dockerfile_copies_is_there_and_is_what_the_wheel_needs() -> None:
    import tomllib

    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source.split("/")[0] in kept, f".dockerignore hides {source}"
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["only-include"]) <= set(copied())


def test_neo4j_knows_its_settings(neo4j_newest: Neo4jServer) -> None:
    import neo4j

    given = [name for name in SERVICES["neo4j"]["environment"] if name != "NEO4J_AUTH"]
    settings = {name.removeprefix("NEO4J_").replace("__", "-").replace("_", ".").replace("-", "_") for name in given}
    auth = ("neo4j", PASSWORD)
    with neo4j.GraphDatabase.driver(neo4j_newest.url, auth=auth) as driver:
        known = {record["name"] for record in driver.execute_query("SHOW SETTINGS YIELD name").records}
    assert len(settings) == 4
    assert settings <= known


def test_the_serving_image_has_all_it_imports_and_no_torch(tmp_path: Path) -> None:
    """What the Dockerfile's stage `serve` installs, in an environment of its own."""
    if UV is None:
        (pytest.fail if os.environ.get("REELGRAPH_REQUIRE_ALL") else pytest.skip)("uv is not there; use `make test`")
    for source in copied():
        place = tmp_path / "source" / source
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, place)
    python = tmp_path / "venv/bin/python"

    def run(*command: str | Path) -> str:
        environment = os.environ | {"PYTHONPATH": "", "REELGRAPH_NEO4J_PASSWORD": "x" * 8}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(UV, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    run(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", "source/requirements/serve.txt")
    run(UV, "pip", "install", "--quiet", "--python", python, "--no-deps", "source/")
    installed = {path.name.split("-")[0] for path in (tmp_path / "venv").glob("lib/*/site-packages/*.dist-info")}
    assert {"neo4j", "gremlinpython", "botocore", "redis", "opentelemetry_sdk"} <= installed
    assert not fnmatch.filter(installed, "torch*")
    assert "--workers" in run(python.parent / "reelgraph", "serve", "--help")
    asks = """
    from graph.store import StoreError, open_store
    from graph.stores.statements import text
    try:
        open_store("neo4j://127.0.0.1:1")
    except StoreError as error:
        print(error, text("queries/state"))
    """
    assert re.search(r"127\.0\.0\.1:1.*Release", run(python, "-c", textwrap.dedent(asks)), re.DOTALL)
