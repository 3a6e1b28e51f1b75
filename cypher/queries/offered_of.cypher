// The same of some titles, in the order in which they are named.
UNWIND range(0, size(<IDS>) - 1) AS place
MATCH (far:Title {tconst: <IDS>[place]})
WHERE <WITHIN>
CALL (*) {
  OPTIONAL MATCH (catalog:Catalog)-[offer:OFFERS]->(far)
  WHERE NOT $within_whole AND catalog.slug = coalesce($within_catalog, catalog.slug) AND <OPEN>
  WITH catalog.slug AS slug, offer ORDER BY slug, coalesce(offer.key, '')
  RETURN collect([offer.item_id]) AS items
}
WITH place, far, items ORDER BY place
RETURN collect([far.tconst, items[0][0]]) AS <ROWS>
