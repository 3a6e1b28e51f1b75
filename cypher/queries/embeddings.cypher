// Vectors of titles by id, as they are stored, and their dimension.
OPTIONAL MATCH (release:Release {name: $name})
CALL (*) {
  UNWIND range(0, size(<IDS>) - 1) AS place
  MATCH (node:Title {tconst: <IDS>[place]})
  WITH place, node, CASE WHEN release.property = $first THEN node.<SLOT>_a ELSE node.<SLOT>_b END AS vector
  WHERE vector IS NOT NULL
  WITH node, vector ORDER BY place
  RETURN collect([node.tconst, vector]) AS held
}
RETURN [coalesce(release.dimension, 0), held] AS <ROWS>
