// Every title in scope.
MATCH (far:Title) WHERE (<WITHIN>)
