"""MODEL_CARD.md: what a run is for, what it was trained on, how good it is and where it should not be believed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gnn.checkpoint import write_text
from gnn.runs import Run

_SHOWN = 40


def write_card(run: Run) -> Path:
    """Write the card of a finished run from its run.json and metrics.json alone; returns the file."""
    metrics = run.metrics()
    parts = [_head(run), _use(run), _data(run, metrics), _quality(metrics), _parts(metrics), _limits(run, metrics)]
    path = run.folder / "MODEL_CARD.md"
    write_text(path, "\n\n".join(part for part in parts if part) + "\n")
    return path


def _head(run: Run) -> str:
    record, model, training = run.record, run.config.model, run.config.training
    how = (
        f"{model.name}, {model.dimension} numbers an entity, trained for {record['epochs']} epochs "
        f"({record['stopped']}) with {training.optimizer}, learning rate {training.learning_rate:g}. "
        f"The parameters are those of epoch {record['best_epoch']}, the best on the validation triples."
    )
    seeds = ", ".join(f"{name} {seed}" for name, seed in record["seeds"].items())
    return f"# {run.name}\n\n{how}\n\nMade {record['made']}; seeds: {seeds}; every setting is in `config.toml`."


def _use(run: Run) -> str:
    if run.config.graph.folder:
        return (
            "## Use\n\nTo compare models on a public benchmark. Its vectors belong to no title and cannot be published."
        )
    return (
        "## Use\n\n"
        "Link prediction on the graph (missing credits, genres, series) and similarity of titles by their place in it: "
        f"`reelgraph publish` gives the titles their vectors as `{run.config.publish.name}`. Not for judging people, "
        "and not as the only evidence that a credit exists: a high score says that the triple resembles known ones."
    )


def _data(run: Run, metrics: Mapping[str, Any]) -> str:
    record = run.record
    counts = record["triples"]
    sizes = (
        f"{record['entities']:,} entities, {len(record['relations'])} relations; {counts['train']:,} triples to learn "
        f"from, {counts['valid']:,} to choose by, {counts['test']:,} held out for the figures below. "
        f"Split: {record['split']}. Graph `{record['graph_hash']}`, data `{record['data_hash']}`."
    )
    leaks = "\n".join(f"- {line}" for line in metrics["audit"]["lines"])
    return f"## Data\n\n{sizes}\n\n### Leaks\n\n{leaks}"


def _quality(metrics: Mapping[str, Any]) -> str:
    own, popular = metrics["test"]["model"], metrics["test"]["popularity"]
    if not own["queries"]:
        return "## Quality\n\nNothing was held out, so nothing can be said."
    gain = own["mrr"] / popular["mrr"] if popular["mrr"] else float("inf")
    text = (
        f"Asked for the missing end of a held-out triple, the model puts a right answer first in "
        f"{own['hits@1']:.0%} of {own['queries']:,} questions and among the first ten in {own['hits@10']:.0%}. "
        f"Always naming what is most frequent with that relation does so in {popular['hits@1']:.0%} and "
        f"{popular['hits@10']:.0%}; by MRR the model is {gain:.1f} times as good."
    )
    rows = [_row("model", own), _row("popularity", popular)]
    rows += [_row(f"model, {name}", part) for name, part in metrics.get("sides", {}).items()]
    for name, part in metrics.get("cold", {}).items():
        rows += [_row(f"model, {name}", part["model"]), _row(f"popularity, {name}", part["popularity"])]
    table = "| | MRR | Hits@1 | Hits@3 | Hits@10 | AMRI | questions |\n|---|---|---|---|---|---|---|\n"
    more = ""
    if classified := metrics.get("classification"):
        more = (
            f"\n\nTold whether each of {classified['triples']:,} given triples is true, with false ones that people "
            f"checked among them, it is right in {classified['accuracy']:.1%} (F1 {classified['f1']:.3f})."
        )
    return f"## Quality\n\n{text}\n\n{table}" + "\n".join(rows) + f"\n\nHow: {metrics['protocol']}.{more}"


def _parts(metrics: Mapping[str, Any]) -> str:
    """Tables by relation and by degree; the relations with the most questions only."""
    parts = []
    for title, key in (("By relation", "by_relation"), ("By degree of the entity asked for", "by_degree")):
        found = metrics.get(key) or {}
        names = list(found)
        if key == "by_relation":
            names = sorted(names, key=lambda name: -found[name]["model"]["queries"])[:_SHOWN]
        rows = [
            f"| {name} | {found[name]['model']['mrr']:.3f} | {found[name]['popularity']['mrr']:.3f} "
            f"| {found[name]['model']['hits@10']:.3f} | {found[name]['popularity']['hits@10']:.3f} "
            f"| {found[name]['model']['queries']:,} |"
            for name in names
        ]
        if rows:
            head = "| | MRR | popularity | Hits@10 | popularity | questions |\n|---|---|---|---|---|---|\n"
            parts.append(f"## {title}\n\n{head}" + "\n".join(rows))
    return "\n\n".join(parts)


def _limits(run: Run, metrics: Mapping[str, Any]) -> str:
    lines = [
        "What the graph does not say counts as false, so a right answer that nobody entered lowers the figures.",
        "Entities with few relations have weaker vectors; the table by degree says by how much.",
    ]
    if not run.config.graph.folder:
        lines.append(
            "The data knows well-voted and English-language titles best, and repeats the industry's imbalances of "
            "gender and country; so do the vectors."
        )
        lines.append("A title that came later has no vector until it is folded in (`--fold-in`) or trained again.")
    if metrics["test"]["model"]["kind"] != "full":
        lines.append(
            f"The ranks are estimates ({metrics['test']['model']['kind']}); never compare them with full ones."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _row(name: str, found: Mapping[str, Any]) -> str:
    cells = [f"{found[key]:.3f}" for key in ("mrr", "hits@1", "hits@3", "hits@10", "amri")]
    return f"| {name} | {' | '.join(cells)} | {found['queries']:,} |"
