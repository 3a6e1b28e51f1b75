// Titles that were removed and are in the graph again.
UNWIND $ids AS id
MATCH (title:Removed {tconst: id})
REMOVE title:Removed SET title:Title
