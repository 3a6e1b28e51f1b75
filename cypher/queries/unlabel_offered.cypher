// Take the labels of catalogs that go from the titles that they offered.
MATCH (catalog:Catalog)-[:OFFERS]->(title:Title|Removed) WHERE catalog.slug IN $slugs AND catalog.number IS NOT NULL
WITH DISTINCT catalog, title
CALL (catalog, title) { REMOVE title:$('Catalog_' + toString(catalog.number)) }
