// The titles that a text search has found, each once, the first first.
WITH *, reduce(ids = [], row IN <FROM>[0] | CASE WHEN row[0] IN ids THEN ids ELSE ids + row[0] END) AS <ROWS>
