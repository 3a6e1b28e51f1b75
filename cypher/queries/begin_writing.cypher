// Take the right to load or publish, where nobody has it; it ends by itself when it is not renewed.
MERGE (graph:Release {name: 'graph'})
ON CREATE SET graph.offers = 0
WITH graph WHERE graph.writer IS NULL OR graph.writer = $writer OR graph.writing_until < timestamp()
SET graph.writer = $writer, graph.writing_until = timestamp() + $milliseconds
RETURN graph.writer
