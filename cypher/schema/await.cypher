// Wait until every index is there.
CALL db.awaitIndexes($seconds)
