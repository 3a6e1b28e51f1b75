// Every title that any catalog offers in scope and that has a vector.
MATCH (far:Offered) WHERE far[release.property] IS NOT NULL AND far:Title AND (<WITHIN>)
