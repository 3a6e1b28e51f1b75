// All vectors of a name, as they are stored, ordered by title.
MATCH (release:Release {name: $name})
MATCH (node:Title) WHERE node[release.property] IS NOT NULL
RETURN [node.tconst, node[release.property]] AS row ORDER BY node.tconst
