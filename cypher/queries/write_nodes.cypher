// Insert or update nodes; a property given as null is removed, one not named stays.
UNWIND $rows AS row
MERGE (node:<LABEL> {<ID>: row[0]})
SET node += row[1]
