// Every title that one catalog offers in scope.
MATCH (own)-[offer:OFFERS]->(far:Title) WHERE ($within_adult OR NOT coalesce(far.is_adult, false)) AND <OPEN>
WITH DISTINCT first, vector, far
