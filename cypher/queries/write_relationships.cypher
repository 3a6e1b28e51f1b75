// Insert or update relationships whose type has no key.
UNWIND $rows AS row
MATCH (head:<HEAD> {<HEAD_ID>: row[0]})
MATCH (tail:<TAIL> {<TAIL_ID>: row[1]})
MERGE (head)-[r:<TYPE>]->(tail)
SET r += row[3]
