// Whether a label has a node that a load would take for one of its own.
MATCH (node:<LABEL>) WHERE node.<ID> IS NOT NULL
RETURN true LIMIT 1
