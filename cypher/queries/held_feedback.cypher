// Whether a title is there, and what a user has said of it already in one way.
UNWIND range(0, size($keys) - 1) AS place
WITH place, $keys[place] AS key
OPTIONAL MATCH (title:Title {tconst: key[1]})
OPTIONAL MATCH (user:User {user_id: key[0]})-[r:RATED {key: key[2]}]->(title)
RETURN place, title IS NOT NULL, CASE WHEN r IS NULL THEN null ELSE properties(r) END
