"""Write the parts of the documentation that the code knows: `python docs/generate.py`. A test compares them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent))


def command_line() -> str:
    """docs/cli.md: the help of every command."""
    import typer

    import reelgraph

    def pages_of(name: str, command: Any) -> list[tuple[str, Any]]:
        within: dict[str, Any] = getattr(command, "commands", {})
        return [(name, command), *(page for word, one in within.items() for page in pages_of(f"{name} {word}", one))]

    pages = pages_of("reelgraph", typer.main.get_command(reelgraph.app))
    parts = ["# Command line", "", "Made from `--help` by `python docs/generate.py`.", ""]
    for name, command in pages:
        context = command.make_context(name, ["--help"], resilient_parsing=True, terminal_width=100)
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines()).strip()
        parts += [f"## {name}", "", "```", text, "```", ""]
    return "\n".join(parts)


def schema_tables() -> str:
    """The tables of labels and relationship types in docs/architecture.md."""
    from graph.schema import NODES, RELATIONSHIPS, Property

    def listed(properties: tuple[Property, ...]) -> str:
        return ", ".join(f"`{p.name}` {p.type}" for p in properties) or "–"

    lines = ["| label | id | what | properties |", "|---|---|---|---|"]
    lines += [f"| {n.label} | {n.id_name} | {n.meaning} | {listed(n.properties)} |" for n in NODES.values()]
    lines += ["", "| relationship | what | key | properties |", "|---|---|---|---|"]
    lines += [
        f"| ({r.head})-[{r.type}]->({r.tail}) | {r.meaning} | {r.key_from or '–'} | {listed(r.properties)} |"
        for r in RELATIONSHIPS.values()
    ]
    return "\n".join(lines)


def graphql_schema() -> str:
    """docs/schema.graphql: what the service answers in GraphQL."""
    from api.graphql.limits import Limits
    from api.graphql.schema import make_schema

    return f"# Made by `python docs/generate.py`.\n\n{make_schema(Limits()).as_str()}\n"


def pages() -> dict[Path, str]:
    """Every page that is made or has a part that is made, as it should be."""
    architecture = DOCS / "architecture.md"
    text = architecture.read_text("utf-8")
    made = f"<!-- schema -->\n{schema_tables()}\n<!-- /schema -->"
    text = re.sub(r"<!-- schema -->.*<!-- /schema -->", lambda _: made, text, flags=re.DOTALL)
    return {architecture: text, DOCS / "cli.md": command_line(), DOCS / "schema.graphql": graphql_schema()}


if __name__ == "__main__":
    os.environ["NO_COLOR"] = "1"
    for path, text in pages().items():
        path.write_text(text, "utf-8")
