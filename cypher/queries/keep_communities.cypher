// Put the communities of one genre into the place of its earlier ones.
CALL () {
  MATCH (person:Person) WHERE any(one IN person.communities WHERE one STARTS WITH $prefix)
  WITH person, [one IN person.communities WHERE NOT one STARTS WITH $prefix] AS others
  SET person.communities = CASE WHEN others = [] THEN null ELSE others END
}
UNWIND $rows AS row
MATCH (person:Person {nconst: row[0]})
SET person.communities = coalesce(person.communities, []) + row[1]
