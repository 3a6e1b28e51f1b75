// What was a genre in one decade: its best-known titles and who directed them?
// Change: the genre, the first year of the decade and how many titles.
// One sees the genre, its titles of those ten years, and their directors; a director of several stands out.
WITH 'Animation' AS genre, 1990 AS first, 25 AS titles
MATCH (g:Genre {name: genre})<-[:IN_GENRE]-(t:Title)
WHERE first <= t.start_year < first + 10 AND NOT coalesce(t.is_adult, false) AND t.kind <> 'tvEpisode'
WITH g, titles, t ORDER BY coalesce(t.num_votes, 0) DESC, t.tconst
WITH g, titles, collect(t)[0..100] AS found
UNWIND found[0..titles] AS t
MATCH (g)<-[belongs:IN_GENRE]-(t)
OPTIONAL MATCH (t)<-[directed:DIRECTED]-(d:Person)
RETURN g, belongs, t, directed, d
