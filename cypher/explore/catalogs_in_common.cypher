// What do two catalogs both offer?
// Change: the two slugs and how many titles.
// One sees the two catalogs and, between them, the best-known titles that both have.
WITH 'north' AS one, 'south' AS other, 30 AS titles
MATCH (a:Catalog {slug: one}), (b:Catalog {slug: other})
MATCH (a)-[:OFFERS]->(t:Title) WHERE EXISTS { (b)-[:OFFERS]->(t) } AND NOT coalesce(t.is_adult, false)
WITH DISTINCT a, b, t, titles ORDER BY coalesce(t.num_votes, 0) DESC, t.tconst
WITH a, b, titles, collect(t) AS both
UNWIND both[0..titles] AS t
MATCH (a)-[first:OFFERS]->(t)<-[second:OFFERS]-(b)
RETURN a, first, t, second, b
