// Say on titles which catalogs offer them, as they are offered now.
UNWIND $ids AS id
MATCH (title:Title|Removed {tconst: id})
CALL (title) {
  MATCH (catalog:Catalog) WHERE catalog.slug IN $slugs
  WITH title, catalog, EXISTS { (catalog)-[:OFFERS]->(title) } AS offered
  CALL (title, catalog, offered) {
    WITH * WHERE offered SET title:Offered:$('Catalog_' + toString(catalog.number))
    UNION ALL
    WITH * WHERE NOT offered REMOVE title:$('Catalog_' + toString(catalog.number))
  }
  RETURN count(*) AS looked
}
CALL (title) {
  WITH title WHERE NOT EXISTS { (:Catalog)-[:OFFERS]->(title) } REMOVE title:Offered
}
