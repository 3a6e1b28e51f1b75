// The relationships that the pieces find: where from, of which type, where to, whether inside, key, properties.
CALL (*) {
<PIECES>
}
RETURN collect([source, type(r), id, inside, coalesce(r.key, '')] + [name IN $names | r[name]]) AS <ROWS>
