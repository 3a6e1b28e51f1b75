// Each id of a label once.
CREATE CONSTRAINT <NAME> IF NOT EXISTS FOR (node:<LABEL>) REQUIRE node.<ID> IS UNIQUE
