"""`reelgraph load --bulk`: how rows get into the store when Neptune's own loader is to read them from S3."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graph.store import GraphStore

if TYPE_CHECKING:
    from graph.neptune.load import Bulk

BulkOption = Annotated[
    str | None,
    typer.Option(
        "--bulk", metavar="s3://BUCKET/PREFIX", help="By Neptune's bulk loader, from files there. For neptune:// alone."
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        "--iam-role", metavar="ARN", help="By which Neptune reads from the bucket. Default: REELGRAPH_IAM_ROLE."
    ),
]
ParallelismOption = Annotated[
    str, typer.Option(metavar="LEVEL", help="Of Neptune's loader: LOW, MEDIUM, HIGH or OVERSUBSCRIBE.")
]
LoadTables = Callable[..., str]
"""As `GraphStore.load_tables`."""


def bulk_of(graph: GraphStore, bucket: str | None, role: str | None, parallelism: str) -> Bulk | None:
    """What the options name; None where the load is to go by requests. Raises StoreError for what cannot work."""
    if bucket is None:
        return None
    if not graph.url.startswith("neptune://"):
        raise typer.BadParameter(f"{graph.url} has no bulk loader, Neptune alone has; leave out --bulk")
    from graph.settings import GraphSettings

    role = role or GraphSettings().iam_role
    if not role:
        raise typer.BadParameter("--bulk needs --iam-role ARN: the role by which Neptune reads from the bucket")
    from graph.neptune.load import Bulk

    return Bulk(graph.url, bucket, role, parallelism)


def through(graph: GraphStore, bulk: Bulk | None) -> LoadTables:
    """The store's own load, by that way."""
    loaded: Any = graph.load_tables
    return loaded if bulk is None else partial(loaded, put=bulk)
