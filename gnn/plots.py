"""A run's plots, as PNG in plots/: loss, validation MRR, MRR by relation, reliability, a map of well-known titles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gnn.publish import TITLE
from gnn.runs import Run
from graph.store import GraphStore

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAPPED = 600
_LABELS = 60
_NAME = 26
_RELATIONS = 30
_INK, _MUTED, _ACCENT = "#1a1a1a", "#8a8a8a", "#1f5fa8"
# Eight hues that remain apart for most colour-blind people (Okabe and Ito, 2008), darkened for white paper.
_COLOURS = ("#0072b2", "#d55e00", "#007a58", "#cc4ba0", "#c29b00", "#56c0f0", "#7a1f1f", "#5b3fa8")


@dataclass(frozen=True)
class Known:
    """A well-known title on the map: its row among the vectors, what it is called, its genres."""

    row: int
    title: str
    genres: tuple[str, ...]


def best_known(store: GraphStore, run: Run, limit: int = MAPPED) -> list[Known]:
    """The titles of a run with the most votes, the best known first; adult ones left out."""
    rows = {name.removeprefix(TITLE): row for row, name in enumerate(run.vocabulary().entities)
            if name.startswith(TITLE)}  # fmt: skip
    found: list[tuple[int, str, str]] = []
    for batch in store.scan_nodes("Title", ["title", "num_votes", "is_adult"]):
        columns = (batch.column(name).to_pylist() for name in ("id", "title", "num_votes", "is_adult"))
        here = [
            (votes, id_, title)
            for id_, title, votes, adult in zip(*columns, strict=True)
            if votes and title and not adult and id_ in rows
        ]
        found = sorted(found + here, reverse=True)[:limit]
    ids = [id_ for _, id_, _ in found]
    steps = store.neighbours(ids, ["IN_GENRE"], "out")
    genres: list[list[str]] = [[] for _ in ids]
    for source, genre in zip(steps.column("source").to_pylist(), steps.column("neighbour").to_pylist(), strict=True):
        genres[source].append(genre)
    return [Known(rows[id_], title, tuple(own)) for (_, id_, title), own in zip(found, genres, strict=True)]


def draw(run: Run, known: Sequence[Known] = ()) -> list[Path]:
    """Draw what a finished run has to show; returns the files. Without well-known titles there is no map."""
    folder = run.folder / "plots"
    folder.mkdir(exist_ok=True)
    trace, metrics = run.trace(), run.metrics()
    figures = {"loss": _line(trace, "loss", f"{run.name}: loss", "mean loss a triple")} if trace else {}
    if any(epoch["mrr"] is not None for epoch in trace):
        figures["validation_mrr"] = _line(trace, "mrr", f"{run.name}: MRR on validation triples", "MRR, filtered")
    if metrics.get("by_relation"):
        figures["mrr_by_relation"] = _relations(run.name, metrics["by_relation"])
    if metrics.get("substitutability"):
        figures["substitutability"] = _reliability(run.name, metrics["substitutability"])
    if len(known) > 2:
        figures["map"] = _map(run.name, run.vectors()[[one.row for one in known]], known)
    paths = [folder / f"{name}.png" for name in figures]
    for path, figure in zip(paths, figures.values(), strict=True):
        figure.savefig(path, dpi=130, facecolor="white")
    return paths


def _axes(title: str, width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure((width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=_INK, fontsize=13)
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=_INK)
    return figure, axes


def _line(trace: Sequence[dict[str, Any]], key: str, title: str, unit: str) -> Figure:
    from matplotlib.ticker import MaxNLocator

    figure, axes = _axes(title, 7.5, 4.2)
    points = [(epoch["number"], epoch[key]) for epoch in trace if epoch[key] is not None]
    axes.plot(*zip(*points, strict=True), color=_ACCENT, linewidth=1.8, marker="o" if len(points) < 60 else "",
              markersize=3.5)  # fmt: skip
    axes.set_xlabel("epoch", color=_INK)
    axes.set_ylabel(unit, color=_INK)
    axes.set_xlim(left=0)
    if key == "mrr":
        axes.set_ylim(0, max(value for _, value in points) * 1.15 or 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    if key == "mrr":
        best = max(points, key=lambda point: point[1])
        axes.annotate(f"best {best[1]:.3f}, epoch {best[0]}", best, xytext=(0, 9), textcoords="offset points",
                      ha="right" if best[0] > points[-1][0] / 2 else "left", color=_INK)  # fmt: skip
    return figure


def _relations(name: str, found: dict[str, Any]) -> Figure:
    """Bars of the relations with the most test queries, the model's above the baseline's."""
    most = sorted(found, key=lambda one: found[one]["model"]["queries"], reverse=True)[:_RELATIONS]
    order = sorted(most, key=lambda one: found[one]["model"]["mrr"])
    figure, axes = _axes(f"{name}: test MRR by relation", 8, 1.6 + 0.42 * len(order))
    places = np.arange(len(order))
    own = [found[one]["model"]["mrr"] for one in order]
    axes.barh(places + 0.19, own, 0.36, color=_ACCENT, label="model")
    axes.barh(places - 0.19, [found[one]["popularity"]["mrr"] for one in order], 0.36, color="#c9c9c9",
              label="popularity")  # fmt: skip
    for place, value in zip(places, own, strict=True):
        axes.text(value + 0.008, place + 0.19, f"{value:.2f}", va="center", color=_INK, fontsize=9)
    axes.set_yticks(places, [f"{one}  ({found[one]['model']['queries']:,})" for one in order], color=_INK)
    highest = max(found[one][whose]["mrr"] for one in order for whose in ("model", "popularity"))
    axes.set_xlim(0, min(1.0, 1.15 * highest) or 1)
    axes.set_ylim(-0.7, len(order) - 0.3)
    axes.set_xlabel("MRR, filtered, both sides (in brackets: queries)", color=_INK)
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False)
    return figure


def _reliability(name: str, found: dict[str, Any]) -> Figure:
    """What was said against what was true, a point for each bin, with the interval that its size leaves open."""
    said, true, counts = (np.array(part, np.float64) for part in zip(*found["bins"], strict=True))
    figure, axes = _axes(f"{name}: is the best substitute as good as it is said to be?", 7, 6)
    axes.plot((0, 1), (0, 1), color=_MUTED, linewidth=1, linestyle="--")
    axes.axhline(found["base"], color=_MUTED, linewidth=0.8, linestyle=":")
    axes.annotate(
        "all questions", (1, found["base"]), xytext=(0, 4), textcoords="offset points", ha="right", color=_MUTED
    )
    spread = 1.96 * np.sqrt(np.maximum(true * (1 - true), 0.25 / counts) / counts)
    axes.errorbar(said, true, (np.minimum(spread, true), np.minimum(spread, 1 - true)), color=_ACCENT, marker="o",
                  markersize=5, linewidth=1.8, elinewidth=1, capsize=3)  # fmt: skip
    axes.set_xlabel("substitutability that was said, in bins of equal mass", color=_INK)
    axes.set_ylabel("share that was among the fifty liked most", color=_INK)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    note = (f"{found['titles']:,} titles hidden, {found['questions']:,} questions\nexpected calibration error "
            f"{found['error']:.3f} (chance: {found['chance']:.3f})\nBrier {found['brier']:.3f} (base rate: "
            f"{found['base_brier']:.3f})")  # fmt: skip
    axes.text(0.03, 0.97, note, transform=axes.transAxes, va="top", color=_INK)
    return figure


def flat(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Vectors as points of a plane, (n, 2): t-SNE on unit vectors from their two main directions; the same each time.

    Source: van der Maaten and Hinton, "Visualizing Data using t-SNE", JMLR 2008.
    """
    from sklearn.manifold import TSNE

    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    if len(unit) < 10:
        centred = unit - unit.mean(axis=0)
        return np.asarray(np.linalg.svd(centred, full_matrices=False)[0][:, :2], np.float64)
    near = min(30.0, (len(unit) - 1) / 3)
    return np.asarray(TSNE(init="pca", perplexity=near, random_state=0).fit_transform(unit), np.float64)


def _map(name: str, vectors: npt.NDArray[np.float32], known: Sequence[Known]) -> Figure:
    points = flat(np.asarray(vectors, np.float32))
    genres = _telling(known)
    named = [genre for genre, _ in Counter(genres).most_common() if genre != "other"]
    figure, axes = _axes(f"{name}: the {len(known)} best-known titles, near where the vectors are alike", 14, 10)
    axes.set_axis_off()
    colours = {"other": _MUTED} | dict(zip(named, _COLOURS, strict=False))
    for genre in [*named, "other"]:
        rows = [row for row, one in enumerate(genres) if one == genre]
        if rows:
            axes.scatter(
                points[rows, 0], points[rows, 1], s=26, color=colours[genre], label=genre, alpha=0.85, linewidths=0
            )
    legend = axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=12, markerscale=1.6)
    for text in legend.get_texts():
        text.set_color(_INK)
    _label(figure, axes, points, known)
    return figure


def _telling(known: Sequence[Known]) -> list[str]:
    """One genre a title: the rarest of its own among the eight that say most, else "other"."""
    counts = Counter(genre for one in known for genre in one.genres)
    shown = {genre for genre, count in counts.most_common() if count <= len(known) * 0.45}
    shown = set(sorted(shown, key=lambda genre: -counts[genre])[: len(_COLOURS)])
    return [min(shown & set(one.genres), key=lambda genre: (counts[genre], genre), default="other") for one in known]


def _label(figure: Figure, axes: Axes, points: npt.NDArray[np.float64], known: Sequence[Known]) -> None:
    """Write titles beside their points, the best known first, where no other label or its point is covered."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.patheffects import withStroke
    from matplotlib.transforms import Bbox

    halo = withStroke(linewidth=2.5, foreground="white")
    figure.draw_without_rendering()
    # One for all labels: else each of them makes its own.
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    axes.set_autoscale_on(False)
    taken: list[Bbox] = []
    for point, one in zip(points, known, strict=True):
        title = _short(one.title)
        for shift, side in (((6, 0), "left"), ((-6, 0), "right"), ((0, 9), "center"), ((0, -9), "center")):
            text = axes.annotate(title, tuple(point), xytext=shift, textcoords="offset points", ha=side, va="center",
                                 fontsize=9, color=_INK, path_effects=[halo])  # fmt: skip
            box = text.get_window_extent(renderer).padded(2)
            if not any(box.overlaps(other) for other in taken) and axes.bbox.padded(20).containsx(box.x1):
                taken.append(box)
                break
            text.remove()
        if len(taken) >= _LABELS:
            return


def _short(title: str) -> str:
    """A title that is too long, by what sets it apart: a sequel's own name stands after the colon."""
    if len(title) > _NAME and ": " in title:
        title = "…: " + title.rpartition(": ")[2]
    return title if len(title) <= _NAME else title[: _NAME - 1].rstrip() + "…"
