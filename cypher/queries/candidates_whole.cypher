// Every title in scope that has a vector.
MATCH (far:Title) WHERE far[release.property] IS NOT NULL AND (<WITHIN>)
