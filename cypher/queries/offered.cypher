// The titles in a scope with the item of the first catalog that offers each, ordered by id.
CALL (*) {
  MATCH (far:Title) WHERE $within_whole AND ($within_adult OR NOT coalesce(far.is_adult, false))
    AND far.tconst IS NOT NULL
  RETURN far.tconst AS id, null AS item
  UNION ALL
  MATCH (catalog:Catalog)-[offer:OFFERS]->(far:Title)
  WHERE NOT $within_whole AND far.tconst IS NOT NULL AND catalog.slug = coalesce($within_catalog, catalog.slug)
    AND ($within_adult OR NOT coalesce(far.is_adult, false)) AND <OPEN>
  WITH far.tconst AS id, catalog.slug AS slug, offer ORDER BY id, slug, coalesce(offer.key, '')
  WITH id, collect(offer)[0] AS first
  RETURN id, first.item_id AS item
}
WITH id, item ORDER BY id
RETURN collect([id, item]) AS <ROWS>
