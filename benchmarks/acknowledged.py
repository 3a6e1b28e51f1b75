"""`kill -9` in the middle of a stream of acknowledged events: none is lost, none counts twice.

    python benchmarks/acknowledged.py                50 kills of the service
    python benchmarks/acknowledged.py --times 500

Clients send events whose values add up, one by one and in batches, and send again what was not acknowledged, with the
same ids, to the service that is started next. In the end each value must be exactly what was sent.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.figure import Figure, parser, run
from graph.store import open_store
from graph.tables import finish_tables, rows_to_table, write_table

CLIENTS, TITLES, USERS = 4, 20, 40


class Sender(threading.Thread):
    """A client with a stream of its own: sends until it is told to stop, again what was not acknowledged."""

    def __init__(self, number: int, address: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.number, self.address = number, address
        self.sent: dict[tuple[str, str], float] = {}
        self.acknowledged, self.again, self.stopping = 0, 0, False
        self.faults: list[str] = []

    def run(self) -> None:
        chance, count = random.Random(self.number), 0
        while not self.stopping:
            events = []
            for _ in range(chance.choice((1, 1, 1, 20))):
                count += 1
                events.append({
                    "user": f"u{self.number}-{chance.randrange(USERS)}", "title": f"tt{chance.randrange(TITLES)}",
                    "type": "minutes", "value": chance.randint(1, 9), "id": f"{self.number}-{count}",
                })  # fmt: skip
            for event in events:
                key = event["user"], event["title"]
                self.sent[key] = self.sent.get(key, 0) + event["value"]
            while not self._acknowledged(events):
                self.again += 1
                time.sleep(0.02)
            self.acknowledged += len(events)

    def _acknowledged(self, events: list[dict[str, Any]]) -> bool:
        place = urlsplit(self.address["now"])
        try:
            held = http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)
            with contextlib.closing(held):
                held.request("POST", "/feedback", json.dumps(events), {"Content-Type": "application/json"})
                answer = held.getresponse()
                content = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        if answer.status == 422:
            self.faults.append(content.decode())
        return answer.status == 200


def measure(options: argparse.Namespace) -> list[Figure]:
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as scratch:
        folder = Path(scratch)
        rows = [{"id": f"tt{number}", "title": f"Film {number}"} for number in range(TITLES)]
        write_table(folder / "t", "Title", [rows_to_table("Title", rows)])
        url = f"embedded:{folder / 'store'}"
        with contextlib.closing(open_store(url, create=True)) as store:
            store.load_tables(finish_tables(folder / "t", []))
        address: dict[str, str] = {"now": "http://127.0.0.1:9"}
        senders = [Sender(number, address) for number in range(CLIENTS)]
        kills = 0
        for turn in range(options.times + 1):
            process = _started(url, options.workers)
            assert process.stdout
            address["now"] = re.search(r"http://\S+", process.stdout.readline())[0]  # type: ignore[index]
            for sender in senders:
                if not sender.is_alive():
                    sender.start()
            time.sleep(chance.uniform(0.05, 0.6))
            if turn < options.times:
                _kill(process)
                kills += 1
        for sender in senders:
            sender.stopping = True
        for sender in senders:
            sender.join()
        _kill(process)
        sent = {key: value for sender in senders for key, value in sender.sent.items()}
        with contextlib.closing(open_store(url)) as store:
            rows = [row for batch in store.scan_relationships("RATED", ["value"]) for row in batch.to_pylist()]
        held = {(row["head"], row["tail"]): row["value"] for row in rows}
    lost = sum(held.get(key, 0) < value for key, value in sent.items())
    doubled = sum(held.get(key, 0) > value for key, value in sent.items()) + len(held.keys() - sent.keys())
    refused = [fault for sender in senders for fault in sender.faults]
    told = f"{kills} kills, {sum(one.acknowledged for one in senders):,} events acknowledged"
    return [
        Figure("values that lack an acknowledged event", lost, "", 0, floor=told),
        Figure("values that count an event twice", doubled, "", 0),
        Figure("requests sent again", sum(one.again for one in senders)),
        Figure("requests refused", len(refused), "", 0, floor=refused[0][:80] if refused else ""),
    ]


def _started(url: str, workers: int) -> subprocess.Popen[str]:
    environment = os.environ | {"REELGRAPH_ACCUMULATED_FEEDBACK": '["minutes"]', "REELGRAPH_COUNT_SEARCHES": "false"}
    command = [sys.executable, "-m", "reelgraph", "serve", "--port", "0", "--store", url, "--workers", str(workers)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def _kill(process: subprocess.Popen[str]) -> None:
    """The service with all its workers, at once."""
    os.killpg(process.pid, 9)
    process.wait()


def main() -> int:
    made = parser(__doc__)
    made.add_argument("--times", type=int, default=50, help="how often to kill")
    made.add_argument("--seed", type=int, default=0, help="of the random moments")
    made.add_argument("--workers", type=int, default=1, help="processes of the service")
    return run(made.parse_args(), measure)


if __name__ == "__main__":
    sys.exit(main())
