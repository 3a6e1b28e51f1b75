// The titles whose vectors have the largest inner product with one, in a scope: from the index that holds just the
// titles of that scope where there is one, else from all of them. A property by its name is read three times faster
// than by a variable, so both slots are written out. Of what is found the first few are looked at, and the rest only where
// too few of them are in scope. Rows: what there is, then [id, vector as stored].
OPTIONAL MATCH (release:Release {name: $name})
OPTIONAL MATCH (asked:Title {tconst: $title})
OPTIONAL MATCH (own:Catalog {slug: $within_catalog})
WITH *, CASE WHEN $within_whole THEN 'Title' WHEN $within_catalog IS NULL THEN 'Offered'
    ELSE 'Catalog_' + toString(own.number) END AS label,
  release.property = $first AS first,
  CASE WHEN $title IS NULL THEN $vector WHEN release.property = $first THEN asked.<SLOT>_a ELSE asked.<SLOT>_b END
    AS own_vector
WITH *, label IN release.indexed AND NOT $exact AS indexed,
  CASE WHEN $title IS NULL THEN own_vector ELSE own_vector[0..release.dimension] + [1e-12] END AS vector
CALL (*) {
  CALL (*) {
    WITH * WHERE indexed AND size(vector) = release.dimension + 1
    CALL db.index.vector.queryNodes(release.property + '_' + label, $fetch, vector) YIELD node AS far
    RETURN far
    UNION ALL
    WITH * WHERE NOT indexed AND size(vector) = release.dimension + 1
    <CANDIDATES>
    WITH far, vector.similarity.cosine(CASE WHEN first THEN far.<SLOT>_a ELSE far.<SLOT>_b END, vector) AS score
    WHERE score IS NOT NULL WITH far, score
    ORDER BY score DESC
    WITH collect(far) AS every
    UNWIND every[0..$keep] AS far
    RETURN far
  }
  RETURN collect(far) AS found
}
CALL (*) {
  UNWIND found[0..$keep] AS far
  WITH far WHERE far:Title AND (<WITHIN>)
  RETURN collect(far) AS first_few
}
CALL (*) {
  WITH * WHERE size(first_few) < $k
  UNWIND found[$keep..] AS far
  WITH far WHERE far:Title AND (<WITHIN>)
  RETURN collect(far) AS others
}
CALL (*) {
  UNWIND (first_few + others)[0..$keep] AS far
  WITH far, CASE WHEN first THEN far.<SLOT>_a ELSE far.<SLOT>_b END AS held
  WHERE held IS NOT NULL
  RETURN collect([far.tconst, held]) AS rows
}
RETURN [[release.name IS NOT NULL, coalesce(release.dimension, 0), coalesce(indexed, false), size(found), vector,
  $k], rows]
  AS <ROWS>
