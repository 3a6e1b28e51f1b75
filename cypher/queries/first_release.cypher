// An empty store: a Release that names no version.
MERGE (graph:Release {name: 'graph'})
ON CREATE SET graph.offers = 0, graph.version = '', graph.number = 0
