// Give the right to load or publish back.
MATCH (graph:Release {name: 'graph'}) WHERE graph.writer = $writer
REMOVE graph.writer, graph.writing_until
