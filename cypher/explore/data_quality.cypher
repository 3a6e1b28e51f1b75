// Which titles' data look wrong?
// Change: the LIMIT of each fault; it ends as soon as so many are found.
// One sees a table: the fault, and some of the titles that have it. No row: none was found.
CALL () {
  MATCH (t:Title) WHERE t.title IS NULL RETURN 'no title' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE t.start_year IS NULL RETURN 'no year' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE t.end_year < t.start_year RETURN 'ends before it starts' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE t.kind = 'movie' AND t.runtime_minutes < 40 RETURN 'a film under 40 minutes' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE t.kind = 'movie' AND t.runtime_minutes > 600 RETURN 'a film over 10 hours' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE NOT EXISTS { (t)-[:IN_GENRE]->() } RETURN 'no genre' AS fault, t LIMIT 10
  UNION ALL
  MATCH (t:Title) WHERE NOT EXISTS { (t)<-[:DIRECTED|ACTED_IN|WROTE|PRODUCED]-() }
  RETURN 'nobody credited' AS fault, t LIMIT 10
  UNION ALL
  MATCH (p:Person)-[:DIRECTED]->(t:Title) WHERE p.birth_year > t.start_year
  RETURN DISTINCT 'directed before the director was born' AS fault, t LIMIT 10
}
WITH fault, t WHERE NOT coalesce(t.is_adult, false)
RETURN fault, t.tconst AS id, t.title AS title, t.kind AS kind, t.start_year AS year ORDER BY fault, id
