// Who made films with a director, again and again?
// Change: the director's id (nm0005124 is John Lasseter) and how many people.
// One sees the director in the middle, the titles around, and beyond them the people who were in most of those titles.
WITH 'nm0005124' AS director, 12 AS people
MATCH (d:Person {nconst: director})-[:DIRECTED]->(t:Title) WHERE NOT coalesce(t.is_adult, false)
MATCH (other:Person)-[r]->(t) WHERE other <> d AND type(r) <> 'KNOWN_FOR'
WITH d, people, other, collect(DISTINCT t) AS together
ORDER BY size(together) DESC, other.nconst
WITH people, d, collect({other: other, together: together})[0..12] AS best
UNWIND best[0..people] AS one
WITH d, one.other AS other, one.together[0..8] AS together
UNWIND together AS t
MATCH (d)-[directed:DIRECTED]->(t)<-[with]-(other) WHERE type(with) <> 'KNOWN_FOR'
RETURN d, directed, t, with, other
