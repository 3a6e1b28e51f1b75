// All nodes of a label, ordered by id.
MATCH (node:<LABEL>) WHERE node.<ID> IS NOT NULL
RETURN [node.<ID>] + [name IN $names | node[name]] AS row ORDER BY node.<ID>
