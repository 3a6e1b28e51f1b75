// Nodes of one label by id, with some properties.
UNWIND range(0, size(<IDS>) - 1) AS place
MATCH (node:<LABEL> {<ID>: <IDS>[place]})
WITH place, node ORDER BY place
RETURN collect([node.<ID>] + [name IN $names | node[name]]) AS <ROWS>
