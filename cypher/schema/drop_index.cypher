// Drop an index.
DROP INDEX <INDEX> IF EXISTS
