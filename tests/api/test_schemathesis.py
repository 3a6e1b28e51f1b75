"""The whole description, asked by schemathesis: no 5xx, no answer that is not described, nothing wrong accepted."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from api.keys import make
from graph.store import GraphStore


def test_each_answer_is_one_that_is_described(own_store: GraphStore, served: Any, tmp_path: Path) -> None:
    _, key = make(own_store, "schemathesis", "admin")
    client = served(own_store, rate_limit="none")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json", "--no-color"]
    command += ["--header", f"Authorization: Bearer {key}", "--phases", "examples,coverage,fuzzing"]
    command += ["--max-examples", "10", "--generation-deterministic"]
    # The eleventh wrong key is 429, not 401 (test_limits.py, test_roles.py); and a schema cannot say what a query in
    # GraphQL has to be, so that one which it allows may be refused.
    command += ["--exclude-checks", "ignored_auth,positive_data_acceptance"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    operations = sum(map(len, client.get("/openapi.json", headers={"X-Api-Key": key}).json()["paths"].values()))
    assert f"{operations} selected / {operations} total" in done.stdout
    generated = re.search(r"([\d,]+) generated", done.stdout)
    assert generated is not None
    assert int(generated[1].replace(",", "")) > 1000
