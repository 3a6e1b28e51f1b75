// How many titles there are, and how many of them any catalog offers.
RETURN COUNT { (:Title) }, COUNT { (:Offered) }
