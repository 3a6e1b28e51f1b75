// Remove the vectors in a slot.
MATCH (title:Title) WHERE title[$slot] IS NOT NULL
CALL (title) { SET title[$slot] = null } IN TRANSACTIONS OF 10000 ROWS
