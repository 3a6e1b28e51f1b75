// Which directors also acted in what they directed?
// Change: how many titles; the LIMIT is among how many of the best known to look.
// One sees each such title with its director, joined twice, and the others who acted in it.
WITH 25 AS titles
MATCH (film:Title) WHERE film.num_votes IS NOT NULL AND NOT coalesce(film.is_adult, false)
WITH titles, film ORDER BY film.num_votes DESC, film.tconst LIMIT 5000
MATCH (d:Person)-[directed:DIRECTED]->(film) WHERE EXISTS { (d)-[:ACTED_IN]->(film) }
WITH titles, collect([d, directed, film])[0..100] AS found
UNWIND found[0..titles] AS one
WITH one[0] AS d, one[1] AS directed, one[2] AS film
MATCH (film)<-[acted:ACTED_IN]-(actor:Person)
RETURN d, directed, film, acted, actor
