// How are two actors joined by the films they were in?
// Change: the two ids (nm0000158 is Tom Hanks, nm0000056 Paul Newman).
// One sees the shortest chains of titles and co-stars, at most ten of them, of at most four titles.
WITH 'nm0000158' AS one, 'nm0000056' AS other
MATCH (a:Person {nconst: one}), (b:Person {nconst: other})
MATCH path = allShortestPaths((a)-[:ACTED_IN*..8]-(b))
WHERE all(node IN nodes(path) WHERE NOT coalesce(node.is_adult, false))
RETURN path LIMIT 10
