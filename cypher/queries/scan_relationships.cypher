// All relationships of a type.
MATCH (head:<HEAD>)-[r:<TYPE>]->(tail:<TAIL>) WHERE head.<HEAD_ID> IS NOT NULL AND tail.<TAIL_ID> IS NOT NULL
RETURN [head.<HEAD_ID>, tail.<TAIL_ID>, coalesce(r.key, '')] + [name IN $names | r[name]] AS row
