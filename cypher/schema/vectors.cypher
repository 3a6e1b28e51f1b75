// The vectors in a slot, of the titles that have a label. Without quantization, which costs half of the recall, and
// with twice the usual links: questions lie apart from the vectors that are stored, see `graph/stores/neo4j_slots.py`.
CREATE VECTOR INDEX <INDEX> IF NOT EXISTS FOR (title:<LABEL>) ON title.<SLOT>
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'cosine',
  `vector.quantization.enabled`: false, `vector.hnsw.m`: 32, `vector.hnsw.ef_construction`: 200}}
