"""Graph neural networks on CPU: how fast messages go, and how good the vectors are.

    python -m benchmarks.graphnet                              messages alone, 500k random edges
    python -m benchmarks.graphnet --store embedded:PATH        and training on a graph: epochs of both models, test MRR

Messages: one layer forward and backward over all edges. `copy_u` is ours (rows scaled, then summed by DGL); torch CSR
is the same layer with a sparse matrix of weights; `u_mul_e` puts the weight on each edge. Times are CPU-seconds of one
thread, all in one run: read the ratios.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.figure import Figure, table
from gnn.config import parse_config
from gnn.layers import Block, RelationalLayer, SageLayer, Sum, index_sum

ROUNDS = 3
CONFIGS = Path(__file__).parent.parent / "configs"


def weighed_csr(rows: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
    """The mean as a product with torch's CSR matrix of 1/degree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that CSR is in beta
        matrix = torch.sparse_coo_tensor(torch.stack([targets, sources]), _weights(targets, n), (n, len(rows)))
        return torch.sparse.mm(matrix.to_sparse_csr(), rows)


def weighed_edges(rows: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
    """The mean by a weight on each edge: DGL's u_mul_e."""
    import dgl

    block = dgl.create_block((sources.int(), targets.int()), num_src_nodes=len(rows), num_dst_nodes=n)
    return dgl.ops.u_mul_e_sum(block, rows, _weights(targets, n)[:, None])


def scaled_rows(add: Sum) -> Sum:
    """The mean by a sum and a scaling of rows."""

    def mean(rows: Tensor, sources: Tensor, targets: Tensor, n: int) -> Tensor:
        return add(rows, sources, targets, n) / torch.bincount(targets, minlength=n).clamp(min=1)[:, None]

    return mean


def _weights(targets: Tensor, n: int) -> Tensor:
    return 1 / torch.bincount(targets, minlength=n)[targets].float()


def edges_a_second(step: Callable[[], Tensor], edges: int) -> float:
    """Edges per CPU-second, forward and backward, best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS + 1):  # the first warms up
        started = time.process_time()
        step().sum().backward()
        best = min(best, time.process_time() - started)
    return edges / best


def messages(entities: int, edges: int, dimension: int, relations: int) -> list[Figure]:
    from gnn.graphnet import copy_u_sum

    chance = torch.Generator().manual_seed(0)
    ends = torch.randint(entities, (2, edges), generator=chance)
    kinds = torch.randint(relations, (edges,), generator=chance)
    rows = torch.randn(entities, dimension, generator=chance).requires_grad_()
    ours = scaled_rows(copy_u_sum)
    ways = {
        "torch CSR": weighed_csr,
        "DGL u_mul_e": weighed_edges,
        "torch index_add": scaled_rows(index_sum),
    }
    speed = edges_a_second(lambda: ours(rows, ends[0], ends[1], entities), edges)
    figures = [Figure("mean by copy_u", speed, "edges/CPU-s", floor=f"{edges:,} edges, d{dimension}")]
    for name, way in ways.items():
        torch.testing.assert_close(way(rows, *ends, entities), ours(rows, *ends, entities), rtol=1e-3, atol=1e-4)
        other = edges_a_second(lambda way=way: way(rows, ends[0], ends[1], entities), edges)
        limit = None if "index" in name else 1.0
        figures.append(Figure(f"copy_u, times faster than {name}", speed / other, "×", limit, more=True))
    block = Block(ends[0], ends[1], kinds, entities)
    for layer, name in ((SageLayer(dimension), "GraphSAGE"), (RelationalLayer(dimension, relations, 8), "R-GCN")):
        step = edges_a_second(lambda layer=layer: layer(block, rows, copy_u_sum), edges)
        figures.append(Figure(f"a whole {name} layer", step, "edges/CPU-s"))
    return figures


def training(url: str, epochs: int, queries: int) -> list[Figure]:
    """Both models by their files in configs/, but so many epochs; test MRR on a sample of the test triples."""
    from gnn.config import read_config
    from gnn.evaluate import metrics, rank
    from gnn.graphnet import train_graphnet
    from gnn.prepare import prepare
    from graph.store import open_store

    figures = []
    for name in ("graphsage", "rgcn"):
        config = read_config(CONFIGS / f"{name}.toml")
        raw = config.model_dump()
        raw["training"] |= {"epochs": epochs, "every": epochs}
        config = parse_config(raw)
        store = open_store(url)
        ready = prepare(config, store)
        store.close()
        chance, test = np.random.default_rng(0), ready.split.test
        some = test[np.sort(chance.permutation(len(test))[:queries])]
        started = time.process_time()
        trained = train_graphnet(ready.split, config, ready.features, lambda _: 0.0, checkpoint=None, report=print)
        speed = epochs * len(ready.split.train) / (time.process_time() - started)
        figures.append(Figure(f"{name}: trained", speed, "triples/CPU-s", floor=f"{epochs} epochs"))
        ranked = metrics(rank(trained.scorer, some, ready.split))
        figures.append(Figure(f"{name}: test MRR", ranked.mrr, floor=f"{len(some)} test triples, both sides, full"))
        figures.append(Figure(f"{name}: test Hits@10", ranked.hits[10]))
    return figures


def main(arguments: Sequence[str] | None = None) -> int:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--store", help="train on this graph too: embedded:PATH")
    made.add_argument("--epochs", type=int, default=5)
    made.add_argument("--queries", type=int, default=2000)
    made.add_argument("--edges", type=int, default=500_000)
    options = made.parse_args(arguments)
    torch.set_num_threads(1)
    figures = messages(options.edges // 10, options.edges, 64, 18)
    if options.store:
        figures += training(options.store, options.epochs, options.queries)
    print(table(figures))
    return 0 if all(figure.passed for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
