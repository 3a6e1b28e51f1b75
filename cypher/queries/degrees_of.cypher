// The degrees that the pieces find, and how many ids there were.
CALL (*) {
<PIECES>
}
WITH place, sum(degree) AS degree
RETURN [size(<IDS>), collect([place, degree])] AS <ROWS>
