// A series: its episodes, season by season, and who came as a guest (acted in an episode, not in the series' own cast).
// Change: the series' id (tt1475582 is Sherlock), and how many episodes.
// One sees the series, its first episodes around it, and the guests at the edge.
WITH 'tt1475582' AS series, 30 AS episodes
MATCH (s:Title {tconst: series})<-[part:EPISODE_OF]-(e:Title) WHERE NOT coalesce(e.is_adult, false)
WITH s, part, e, episodes ORDER BY part.season, part.episode, e.tconst
WITH s, episodes, collect([part, e])[0..200] AS found
UNWIND found[0..episodes] AS one
WITH s, one[0] AS part, one[1] AS e
OPTIONAL MATCH (guest:Person)-[played:ACTED_IN]->(e) WHERE NOT EXISTS { (guest)-[:ACTED_IN]->(s) }
RETURN s, part, e, played, guest
