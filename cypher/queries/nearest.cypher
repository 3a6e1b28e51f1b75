// The titles whose vectors have the largest inner product with one, in a scope: from the index that holds just the
// titles of that scope where there is one, else from all of them. Rows: what there is, then [id, vector as stored].
OPTIONAL MATCH (release:Release {name: $name})
OPTIONAL MATCH (asked:Title {tconst: $title})
OPTIONAL MATCH (own:Catalog {slug: $within_catalog})
WITH *, CASE WHEN $within_whole THEN 'Title' WHEN $within_catalog IS NULL THEN 'Offered'
    ELSE 'Catalog_' + toString(own.number) END AS label,
  CASE WHEN $title IS NULL THEN $vector
    ELSE asked[release.property][0..release.dimension] + [1e-12] END AS vector
WITH *, label IN release.indexed AND NOT $exact AS indexed
CALL (*) {
  CALL (*) {
    WITH * WHERE indexed AND size(vector) = release.dimension + 1
    CALL db.index.vector.queryNodes(release.property + '_' + label, $fetch, vector) YIELD node AS far
    RETURN far
    UNION ALL
    WITH * WHERE NOT indexed AND size(vector) = release.dimension + 1
    <CANDIDATES>
    WITH far, vector.similarity.cosine(far[release.property], vector) AS score
    ORDER BY score DESC LIMIT $fetch
    RETURN far
  }
  RETURN collect(far) AS found
}
CALL (*) {
  UNWIND found AS far
  WITH release, far WHERE far[release.property] IS NOT NULL AND far:Title AND (<WITHIN>)
  RETURN collect([far.tconst, far[release.property]]) AS rows
}
RETURN [[release.name IS NOT NULL, coalesce(release.dimension, 0), coalesce(indexed, false), size(found)], rows]
  AS <ROWS>
