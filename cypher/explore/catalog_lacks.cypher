// What does a catalog lack that people look for or rate highly?
// Change: the catalog's slug, the least number of searches or good ratings, and how many titles.
// One sees a table: searches that meant the title, viewers who liked it, and the catalogs that do have it.
WITH 'north' AS catalog, 1 AS least, 25 AS titles
MATCH (own:Catalog {slug: catalog})
CALL (own) {
  MATCH (s:Search) WHERE s.title IS NOT NULL AND (s.catalog IS NULL OR s.catalog = own.slug)
  MATCH (t:Title {tconst: s.title})
  RETURN t, sum(s.count) AS searches, 0 AS liked
  UNION ALL
  MATCH (viewer:User)-[r:RATED]->(t:Title)
  WHERE r.type = 'like' OR (r.type = 'rating' AND r.value >= 4)
  RETURN t, 0 AS searches, count(DISTINCT viewer) AS liked
}
WITH own, least, titles, t, sum(searches) AS searches, sum(liked) AS liked
WHERE searches + liked >= least AND NOT coalesce(t.is_adult, false) AND NOT EXISTS { (own)-[:OFFERS]->(t) }
ORDER BY searches DESC, liked DESC, t.num_votes DESC, t.tconst
WITH titles, collect({t: t, searches: searches, liked: liked})[0..100] AS rows
UNWIND rows[0..titles] AS row
WITH row, row.t AS t
RETURN t.tconst AS id, t.title AS title, t.start_year AS year, row.searches AS searches, row.liked AS liked,
  [(c:Catalog)-[:OFFERS]->(t) | c.slug] AS offered_by
