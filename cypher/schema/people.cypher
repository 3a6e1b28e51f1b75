// The names of people, likewise.
CREATE FULLTEXT INDEX reelgraph_people IF NOT EXISTS FOR (node:Person) ON EACH [node.name_words]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'standard-no-stop-words'}}
