// Whether a title may be answered: a condition on `far`.
($<S>_adult OR NOT coalesce(far.is_adult, false)) AND ($<S>_whole OR EXISTS {
  MATCH (catalog:Catalog)-[offer:OFFERS]->(far)
  WHERE catalog.slug = coalesce($<S>_catalog, catalog.slug) AND <OPEN>
})
