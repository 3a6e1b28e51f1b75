// Every title that one catalog offers in scope and that has a vector.
MATCH (own)-[:OFFERS]->(far:Title) WHERE far[release.property] IS NOT NULL AND (<WITHIN>)
WITH DISTINCT release, vector, far
