// The ids of the nearest titles, the nearest first.
WITH *, [row IN <FROM>[1] | row[0]] AS <ROWS>
