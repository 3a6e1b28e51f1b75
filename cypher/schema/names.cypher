// The names of titles, for search by text.
CREATE FULLTEXT INDEX reelgraph_names IF NOT EXISTS FOR (node:Title|AlternateTitle) ON EACH [node.title, node.original_title]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-folding'}}
