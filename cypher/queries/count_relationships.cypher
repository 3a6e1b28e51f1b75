// How many relationships of a type there are.
MATCH (head:<HEAD>)-[r:<TYPE>]->(tail:<TAIL>) WHERE head.<HEAD_ID> IS NOT NULL AND tail.<TAIL_ID> IS NOT NULL
RETURN count(r)
