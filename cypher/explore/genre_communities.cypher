// Which groups of people make a genre's films together?
// First: reelgraph communities Animation. Change: the genre, and how many groups and people of each.
// One sees, of each of the largest groups, the people with most titles of the genre, joined through these titles.
WITH 'Animation' AS genre, 4 AS groups, 6 AS people
MATCH (p:Person) WHERE p.communities IS NOT NULL
UNWIND [c IN p.communities WHERE c STARTS WITH genre + ':'] AS community
WITH genre, groups, people, community, collect(p) AS members ORDER BY size(members) DESC, community
WITH genre, people, collect([community, members])[0..20] AS found, groups
UNWIND found[0..groups] AS one
UNWIND one[1] AS p
WITH genre, people, one[0] AS community, p, COUNT { (p)-->(:Title)-[:IN_GENRE]->(:Genre {name: genre}) } AS made
ORDER BY made DESC, p.nconst
WITH genre, people, community, collect(p)[0..20] AS best
UNWIND best[0..people] AS p
WITH genre, community, collect(p) AS shown UNWIND shown AS p
MATCH (p)-[r]->(t:Title)-[:IN_GENRE]->(:Genre {name: genre})
WHERE type(r) <> 'KNOWN_FOR' AND NOT coalesce(t.is_adult, false)
  AND EXISTS { MATCH (t)<--(q:Person) WHERE q <> p AND q IN shown }
RETURN community, p, r, t LIMIT 150
