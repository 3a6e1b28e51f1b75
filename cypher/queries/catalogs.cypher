// The numbers of catalogs, and how many titles each offers.
MATCH (catalog:Catalog) WHERE catalog.number IS NOT NULL
RETURN catalog.number, COUNT { (catalog)-[:OFFERS]->() }
