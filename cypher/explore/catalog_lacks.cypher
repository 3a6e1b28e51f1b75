// What does a catalog lack that people look for, or like, or that is best known?
// Change: the catalog's slug, and how many titles.
// One sees a table: how often the title was meant by a search, how many viewers liked it, and which catalogs have it.
WITH 'north' AS catalog, 25 AS titles
MATCH (own:Catalog {slug: catalog})
CALL (own) {
  MATCH (s:Search) WHERE s.title IS NOT NULL AND coalesce(s.catalog, own.slug) = own.slug
  MATCH (t:Title {tconst: s.title})
  RETURN t, sum(s.count) AS searches, 0 AS liked
  UNION ALL
  MATCH (t:Title) WHERE t.num_votes IS NOT NULL AND NOT EXISTS { (own)-[:OFFERS]->(t) }
  WITH t ORDER BY t.num_votes DESC LIMIT 2000
  RETURN t, 0 AS searches,
    COUNT { (t)<-[r:RATED]-(:User) WHERE r.type = 'like' OR (r.type = 'rating' AND r.value >= 4) } AS liked
}
WITH own, titles, t, sum(searches) AS searches, max(liked) AS liked
WHERE NOT coalesce(t.is_adult, false) AND NOT EXISTS { (own)-[:OFFERS]->(t) }
WITH titles, t, searches, liked
ORDER BY searches DESC, liked DESC, coalesce(t.num_votes, 0) DESC, t.tconst LIMIT 1000
WITH titles, collect({t: t, searches: searches, liked: liked}) AS rows
UNWIND rows[0..titles] AS row
WITH row, row.t AS t
RETURN t.tconst AS id, t.title AS title, t.start_year AS year, row.searches AS searches, row.liked AS liked,
  COLLECT { MATCH (c:Catalog)-[:OFFERS]->(t) RETURN DISTINCT c.slug ORDER BY c.slug } AS offered_by
