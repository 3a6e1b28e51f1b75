// The ids that a step has found, each once, ascending: what another read goes on from.
CALL (<FROM>) {
  UNWIND <FROM> AS row
  WITH DISTINCT row[2] AS id ORDER BY id
  RETURN collect(id) AS <ROWS>
}
