// Insert or update relationships that a key tells apart.
UNWIND $rows AS row
MATCH (head:<HEAD> {<HEAD_ID>: row[0]})
MATCH (tail:<TAIL> {<TAIL_ID>: row[1]})
MERGE (head)-[r:<TYPE> {key: row[2]}]->(tail)
SET r += row[3]
