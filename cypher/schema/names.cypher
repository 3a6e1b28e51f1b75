// The names of titles as they are compared, for search by text (`graph/stores/neo4j_text.py`). The analyzers that fold
// accents drop English stop words too, and "It" is a film: so what is indexed is folded already.
CREATE FULLTEXT INDEX reelgraph_names IF NOT EXISTS
FOR (node:Title|AlternateTitle) ON EACH [node.title_words, node.original_title_words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-no-stop-words'}}
