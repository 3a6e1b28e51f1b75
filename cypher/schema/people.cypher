// The names of people, for search by text.
CREATE FULLTEXT INDEX reelgraph_people IF NOT EXISTS FOR (node:Person) ON EACH [node.name]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-folding'}}
