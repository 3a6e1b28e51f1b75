// How many nodes of a label there are.
MATCH (node:<LABEL>) WHERE node.<ID> IS NOT NULL RETURN count(*)
