// Put vectors into a slot.
UNWIND $rows AS row
MATCH (title:Title {tconst: row[0]})
SET title[$slot] = row[1]
