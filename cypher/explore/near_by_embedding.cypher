// What lies nearest to a title by link prediction's vectors, in the whole graph?
// Change: the title's id (Toy Story) and how many. Needs a published vector named embedding: reelgraph publish.
// One sees the title, the nearest ones, and what joins them where anything does (people and keywords of few titles).
WITH 'tt0114709' AS id, 12 AS most, 'embedding' AS name
MATCH (release:Release {name: name}), (asked:Title {tconst: id})
WITH *, asked[release.property][0..release.dimension] + [1e-12] AS vector
CALL (*) {
  WITH * WHERE 'Title' IN release.indexed
  CALL db.index.vector.queryNodes(release.property + '_Title', 4 * most, vector) YIELD node, score
  RETURN node AS t, score
  UNION ALL
  WITH * WHERE NOT 'Title' IN release.indexed
  MATCH (t:Title) WHERE t[release.property] IS NOT NULL
  RETURN t, vector.similarity.cosine(t[release.property], vector) AS score ORDER BY score DESC LIMIT 200
}
WITH asked, most, t, score WHERE t <> asked AND NOT coalesce(t.is_adult, false)
ORDER BY score DESC, t.tconst
WITH asked, most, collect([t, score]) AS found
UNWIND found[0..most] AS one
WITH asked, one[0] AS t, one[1] AS score
OPTIONAL MATCH why = (asked)--(shared:Person|Keyword)--(t) WHERE COUNT { (shared)--() } < 200
WITH asked, t, score, collect(why)[0..3] AS reasons
RETURN asked, t, score, reasons
