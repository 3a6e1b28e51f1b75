// Remove relationships by their ends and key.
UNWIND $rows AS row
MATCH (head:<HEAD> {<HEAD_ID>: row[0]})-[r:<TYPE>]->(tail {<TAIL_ID>: row[1]})
WHERE (tail:<TAIL>) AND coalesce(r.key, '') = row[2]
DELETE r
RETURN count(*)
