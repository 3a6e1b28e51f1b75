// Names of titles and people that a text may mean: rows of names, then of people (see `graph/stores/neo4j_text.py`).
CALL (*) {
  WITH * WHERE $people IS NOT NULL
  CALL db.index.fulltext.queryNodes('reelgraph_people', $people, {limit: $few * 4}) YIELD node AS person, score
  WHERE person.nconst IS NOT NULL
  CALL (person) {
    OPTIONAL MATCH (person)-[:<CREDITS>]->(title:Title)
    WITH DISTINCT title
    RETURN sum(coalesce(title.num_votes, 0)) AS votes, count(title) AS titles,
      sum(CASE WHEN title.is_adult THEN 1 ELSE 0 END) AS adult
  }
  WITH person, votes, score WHERE $adult OR titles = 0 OR adult < titles
  WITH person, votes, score ORDER BY score * (1 + log10(1 + votes) / 10) DESC, person.nconst
  WITH collect([person.nconst, person.name, toInteger(<FAME> * votes)]) AS every
  RETURN every[0..$few] AS persons
}
CALL (*) {
  WITH * WHERE $query IS NOT NULL
  CALL db.index.fulltext.queryNodes('reelgraph_names', $query, {limit: $fetch}) YIELD node, score
  CALL (node) {
    WITH node WHERE node:Title
    RETURN node AS title, [[node.title, 'primary', null, null]]
      + CASE WHEN node.original_title <> node.title OR node.title IS NULL
          THEN [[node.original_title, 'original', null, null]] ELSE [] END AS names
    UNION ALL
    MATCH (title:Title)-[:ALSO_KNOWN_AS]->(node)
    RETURN title, [[node.title, 'alternate', node.region, node.language]] AS names
  }
  WITH title, names, score WHERE title.tconst IS NOT NULL AND ($adult OR NOT coalesce(title.is_adult, false))
  WITH title, names, score * (1 + log10(1 + coalesce(title.num_votes, 0)) / 10) AS likely
  ORDER BY likely DESC, title.tconst
  WITH collect([title, names]) AS every
  UNWIND every[0..$limit] AS one
  WITH one[0] AS title, one[1] AS names
  UNWIND names AS name
  WITH title, name WHERE name[0] IS NOT NULL
  RETURN collect([title.tconst, name[0], name[1], name[2], name[3], title.num_votes, title.start_year, title.kind])
    AS titles
}
WITH *, CASE WHEN $limit - size(titles) > $limit / 8 THEN $limit - size(titles) ELSE $limit / 8 END AS room
WITH *, persons[0..room] AS persons_kept
RETURN [titles[0..($limit - size(persons_kept))], persons_kept] AS <ROWS>
