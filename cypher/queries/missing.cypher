// Which of these ids are no nodes of a label.
UNWIND $ids AS id
WITH id WHERE NOT EXISTS { MATCH (:<LABEL> {<ID>: id}) }
RETURN id ORDER BY id LIMIT 1
