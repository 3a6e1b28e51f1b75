// A catalog lacks a title: what does it have instead, and why?
// Change: the catalog's slug, the title's id (Toy Story) and how many. Needs the published vectors named substitute_vector.
// One sees the title, its substitutes in the catalog, and through which people, genres and keywords they are joined.
WITH 'north' AS catalog, 'tt0114709' AS id, 10 AS most, 'substitute_vector' AS name
MATCH (release:Release {name: name}), (asked:Title {tconst: id}), (own:Catalog {slug: catalog})
WITH *, asked[release.property][0..release.dimension] + [1e-12] AS vector
MATCH (own)-[:OFFERS]->(t:Title)
WHERE t <> asked AND t[release.property] IS NOT NULL AND NOT coalesce(t.is_adult, false)
WITH DISTINCT asked, own, most, t, vector.similarity.cosine(t[release.property], vector) AS score
ORDER BY score DESC, t.tconst
WITH asked, own, most, collect([t, score])[0..100] AS found
UNWIND found[0..most] AS one
WITH asked, own, one[0] AS t, one[1] AS score
MATCH offer = (own)-[:OFFERS]->(t)
WITH asked, t, score, collect(offer)[0] AS offer
OPTIONAL MATCH why = (asked)--(shared:Person|Genre|Keyword)--(t)
WITH asked, t, score, offer, why, COUNT { (shared)--() } AS links ORDER BY links
WITH asked, t, score, offer, collect(why)[0..4] AS reasons
RETURN asked, t, score, offer, reasons ORDER BY score DESC
