// Which actors directed somebody they had acted with elsewhere?
// Change: how many pairs, and the fewest votes of the film that was directed.
// One sees, for each pair, the title where both acted and the one where one of them directed the other.
WITH 12 AS pairs, 1000 AS least_votes
MATCH (d:Person)-[:DIRECTED]->(film:Title)<-[:ACTED_IN]-(star:Person)
WHERE d <> star AND coalesce(film.num_votes, 0) >= least_votes AND NOT coalesce(film.is_adult, false)
  AND EXISTS { (d)-[:ACTED_IN]->(:Title) }
WITH pairs, d, star, film ORDER BY film.num_votes DESC, film.tconst, star.nconst LIMIT 20000
MATCH (d)-[:ACTED_IN]->(before:Title)<-[:ACTED_IN]-(star)
WHERE before <> film AND NOT coalesce(before.is_adult, false) AND NOT EXISTS { (d)-[:DIRECTED]->(before) }
WITH pairs, d, star, collect(DISTINCT film)[0] AS film, collect(DISTINCT before)[0] AS before
ORDER BY film.num_votes DESC, d.nconst, star.nconst
WITH pairs, collect([d, star, film, before])[0..50] AS found
UNWIND found[0..pairs] AS one
WITH one[0] AS d, one[1] AS star, one[2] AS film, one[3] AS before
MATCH (d)-[directed:DIRECTED]->(film)<-[played:ACTED_IN]-(star)
MATCH (d)-[acted:ACTED_IN]->(before)<-[beside:ACTED_IN]-(star)
RETURN d, directed, film, played, star, acted, before, beside
