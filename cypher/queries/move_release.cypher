// A new version becomes current: the graph's own Release, and those of its vectors.
MATCH (graph:Release {name: 'graph'})
SET graph += $graph
WITH graph
CALL () {
  MATCH (old:Release) WHERE old.longest IS NOT NULL AND NOT old.name IN [one IN $vectors | one.name] DELETE old
}
CALL () {
  UNWIND $vectors AS one
  MERGE (release:Release {name: one.name})
  SET release = one
}
