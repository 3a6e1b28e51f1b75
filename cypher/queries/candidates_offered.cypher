// Every title that any catalog offers in scope.
MATCH (far:Offered) WHERE far:Title AND (<WITHIN>)
