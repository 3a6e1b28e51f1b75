// Give each new catalog a number: a title that it offers has the label Catalog_NUMBER.
MATCH (catalog:Catalog) WHERE catalog.slug IS NOT NULL AND catalog.number IS NULL
WITH catalog ORDER BY catalog.slug
OPTIONAL MATCH (other:Catalog) WHERE other.number IS NOT NULL
WITH catalog, coalesce(max(other.number), 0) AS most
WITH most, collect(catalog) AS catalogs
UNWIND range(0, size(catalogs) - 1) AS place
WITH catalogs[place] AS catalog, most + place + 1 AS number
SET catalog.number = number
