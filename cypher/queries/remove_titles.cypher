// Titles that are no longer in the graph: what users rated and catalogs offer is kept, at a node without that label.
UNWIND $ids AS id
MATCH (title:Title {tconst: id})
CALL (title, id) {
  WITH title, id WHERE EXISTS { (title)<-[:<LIVE>]-() }
  CALL (title) { OPTIONAL MATCH (title)-[r]-() WHERE NOT type(r) IN $live DELETE r }
  REMOVE title:Title
  SET title = {tconst: id}, title:Removed
  RETURN true AS kept
  UNION ALL
  WITH title WHERE NOT EXISTS { (title)<-[:<LIVE>]-() }
  DETACH DELETE title
  RETURN false AS kept
}
RETURN count(kept)
