// Remove nodes with all their relationships.
UNWIND $ids AS id
MATCH (node:<LABEL> {<ID>: id})
DETACH DELETE node
RETURN count(*)
