// The titles that some catalogs offer, and the keys of the offers.
MATCH (catalog:Catalog)-[offer:OFFERS]->(title:Title|Removed) WHERE catalog.slug IN $slugs
RETURN catalog.slug, title.tconst, coalesce(offer.key, '')
