// Which titles' data look wrong?
// Change: how many of each fault.
// One sees a table: the fault, how many titles have it, and some of them.
WITH 5 AS examples
MATCH (t:Title) WHERE NOT coalesce(t.is_adult, false)
WITH examples, t, [
  CASE WHEN t.title IS NULL THEN 'no title' END,
  CASE WHEN t.start_year IS NULL THEN 'no year' END,
  CASE WHEN t.end_year < t.start_year THEN 'ends before it starts' END,
  CASE WHEN t.kind = 'movie' AND t.runtime_minutes < 40 THEN 'a film under 40 minutes' END,
  CASE WHEN t.runtime_minutes > 600 AND t.kind = 'movie' THEN 'a film over 10 hours' END,
  CASE WHEN NOT EXISTS { (t)-[:IN_GENRE]->() } THEN 'no genre' END,
  CASE WHEN NOT EXISTS { (t)<--(:Person) } THEN 'nobody credited' END,
  CASE WHEN EXISTS { MATCH (t)<-[:DIRECTED]-(p:Person) WHERE p.birth_year > t.start_year }
    THEN 'directed before the director was born' END
] AS faults
UNWIND [fault IN faults WHERE fault IS NOT NULL] AS fault
WITH examples, fault, t ORDER BY coalesce(t.num_votes, 0) DESC, t.tconst
WITH examples, fault, count(t) AS titles, collect(t)[0..20] AS some
RETURN fault, titles, [t IN some[0..examples] | t.tconst + ' ' + coalesce(t.title, '')] AS examples
ORDER BY titles DESC, fault
