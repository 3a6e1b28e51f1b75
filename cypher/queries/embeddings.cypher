// Vectors of titles by id, as they are stored, and their dimension.
OPTIONAL MATCH (release:Release {name: $name})
CALL (*) {
  UNWIND range(0, size(<IDS>) - 1) AS place
  MATCH (node:Title {tconst: <IDS>[place]})
  WHERE node[release.property] IS NOT NULL
  WITH place, node ORDER BY place
  RETURN collect([node.tconst, node[release.property]]) AS held
}
RETURN [coalesce(release.dimension, 0), held] AS <ROWS>
