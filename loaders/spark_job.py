"""The job for a cluster: IMDb's files → graph tables, straight from one place to another, by spark-submit.

    spark-submit --py-files reelgraph.zip loaders/spark_job.py --source s3://BUCKET/imdb --target s3://BUCKET/tables

Runs in the session that it is given, on AWS Glue and EMR too: docs/spark.md. TARGET must be new. What is there when it
ends, `reelgraph load --imdb` takes from a folder (`loaders.parts`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pyspark.sql import SparkSession

from graph.schema import CREDITS
from loaders.imdb import Choices, LoadError, LoadReport, make_tables
from loaders.parts import REPORT, as_text
from loaders.spark_engine import SparkEngine


def run(session: SparkSession, source: str, target: str, choices: Choices) -> LoadReport:
    """Make the tables, then write the report beside them. Raises LoadError and EngineFailed."""
    engine = SparkEngine(session, target, one_file=False)
    if engine.places.is_folder(target):
        raise LoadError(f"{target} is there already; name a new one, or remove it")
    try:
        report = make_tables(engine, source, choices, lambda what, share: print(f"{share:4.0%} {what}", flush=True))  # noqa: T201
    finally:
        engine.places.remove(engine.work)
    engine.places.write(f"{engine.tables}/{REPORT}", as_text(report))
    return report


def main(arguments: Sequence[str]) -> None:
    """Read the command line, as `reelgraph load` has it. Options that Glue adds of its own are passed over."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    options.add_argument("--source", required=True)
    options.add_argument("--target", required=True)
    options.add_argument("--kinds")
    options.add_argument("--min-votes", type=int, default=0)
    options.add_argument("--no-adult", dest="adult", action="store_false")
    options.add_argument("--credits")
    options.add_argument("--no-alternates", dest="alternates", action="store_false")
    given, _ = options.parse_known_args(arguments)
    choices = Choices(
        kinds=frozenset(given.kinds.split(",")) if given.kinds else None,
        min_votes=given.min_votes,
        adult=given.adult,
        credits=tuple(given.credits.split(",")) if given.credits else CREDITS,
        alternates=given.alternates,
    )
    report = run(SparkSession.builder.getOrCreate(), given.source, given.target, choices)
    print(*report.files, sep="\n")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
