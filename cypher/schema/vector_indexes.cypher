// The vector indexes that there are.
SHOW VECTOR INDEXES YIELD name, state RETURN name, state
