// The graph's version and each published name: what the Release nodes say, those of others left aside.
MATCH (release:Release) WHERE (release.name = 'graph' AND release.offers IS NOT NULL) OR release.longest IS NOT NULL
RETURN properties(release)
