// Count a change to what catalogs offer.
MERGE (graph:Release {name: 'graph'})
SET graph.offers = coalesce(graph.offers, 0) + 1
