// The ids of the k nearest titles, the nearest first, as the index has them.
WITH *, [row IN <FROM>[1][0..<FROM>[0][5]] | row[0]] AS <ROWS>
