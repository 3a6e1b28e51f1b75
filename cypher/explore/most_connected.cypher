// Who has worked with the most people?
// Change: how many people, and how many relationships one must have to be looked at.
// One sees a table: titles and different colleagues in them.
WITH 20 AS people, 5 AS least
MATCH (p:Person)
WITH people, least, p, COUNT { (p)--() } AS credits WHERE credits >= least
ORDER BY credits DESC, p.nconst LIMIT 200
MATCH (p)-[r]->(t:Title) WHERE type(r) <> 'KNOWN_FOR' AND NOT coalesce(t.is_adult, false)
WITH DISTINCT people, p, t
MATCH (t)<-[r]-(other:Person) WHERE other <> p AND type(r) <> 'KNOWN_FOR'
WITH people, p, count(DISTINCT t) AS titles, count(DISTINCT other) AS colleagues
ORDER BY colleagues DESC, titles DESC, p.nconst
WITH people, collect({id: p.nconst, name: p.name, titles: titles, colleagues: colleagues}) AS rows
UNWIND rows[0..people] AS row
RETURN row.id AS id, row.name AS name, row.titles AS titles, row.colleagues AS colleagues
