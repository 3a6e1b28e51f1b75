"""A database of a test server, past the store: what an analyst sees there."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlsplit

import neo4j


def asked(url: str, statement: str, **parameters: Any) -> list[list[Any]]:
    """The rows of a statement in a transaction of its own."""
    with _driver(url) as driver:
        return [record.values() for record in driver.execute_query(statement, parameters).records]


def everything(url: str, where: str = "true") -> tuple[list[Any], list[Any]]:
    """All nodes for which a condition on `n` holds and all relationships between such, in an order of their own."""
    nodes = asked(url, f"MATCH (n) WHERE {where} RETURN labels(n), properties(n)")
    other = where.replace("n:", "m:").replace("n.", "m.")
    relationships = asked(
        url,
        f"MATCH (n)-[r]->(m) WHERE ({where}) AND ({other}) "
        "RETURN labels(n), properties(n), type(r), properties(r), labels(m), properties(m)",
    )
    return sorted(map(_written, nodes)), sorted(map(_written, relationships))


def _driver(url: str) -> neo4j.Driver:
    place = urlsplit(url)
    user = os.environ.get("REELGRAPH_NEO4J_USER", "neo4j")
    return neo4j.GraphDatabase.driver(
        f"{place.scheme}://{place.netloc}",
        auth=(user, os.environ["REELGRAPH_NEO4J_PASSWORD"]),
        notifications_min_severity="OFF",
    )


def _written(row: list[Any]) -> str:
    """A row as text, so that rows of any values can be ordered and compared."""
    return repr([sorted(v) if isinstance(v, list) else sorted(v.items()) if isinstance(v, dict) else v for v in row])
