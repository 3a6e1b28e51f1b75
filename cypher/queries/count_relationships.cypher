// How many relationships of a type there are.
MATCH (:<HEAD>)-[r:<TYPE>]->(tail:<TAIL>) WHERE tail.<TAIL_ID> IS NOT NULL RETURN count(r)
