// The degrees that the pieces find, and how many ids there were.
CALL (*) {
<PIECES>
}
WITH place, sum(degree) AS degree
WITH collect([place, degree]) AS degrees
RETURN [size(<IDS>), degrees] AS <ROWS>
