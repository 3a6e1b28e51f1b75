// Why are these two titles alike?
// Change: the two ids (Toy Story and Toy Story 2).
// One sees both titles and what they share, the rarest first: a person or keyword of few titles says more than a genre.
WITH 'tt0114709' AS one, 'tt0120363' AS other, 15 AS most
MATCH (a:Title {tconst: one}), (b:Title {tconst: other})
WHERE NOT coalesce(a.is_adult, false) AND NOT coalesce(b.is_adult, false)
MATCH (a)--(shared:Person|Genre|Keyword|Title)--(b)
WHERE NOT coalesce(shared.is_adult, false)
WITH DISTINCT a, b, shared, most, COUNT { (shared)--() } AS links
ORDER BY links, elementId(shared)
WITH a, b, most, collect(shared) AS found
UNWIND found[0..most] AS shared
MATCH (a)-[first]-(shared)-[second]-(b) WHERE NOT 'KNOWN_FOR' IN [type(first), type(second)]
RETURN a, first, shared, second, b
