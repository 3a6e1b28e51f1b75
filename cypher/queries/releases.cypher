// The graph's version and each published name: what the Release nodes say.
MATCH (release:Release) RETURN properties(release)
