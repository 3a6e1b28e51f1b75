// Which version of the graph there is, and how often what catalogs offer has changed.
OPTIONAL MATCH (graph:Release {name: 'graph'})
RETURN [coalesce(graph.version, ''), coalesce(graph.offers, 0)] AS <ROWS>
