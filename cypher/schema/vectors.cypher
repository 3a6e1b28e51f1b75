// The vectors in a slot, of the titles that have a label. Without quantization, which costs half of the recall.
CREATE VECTOR INDEX <INDEX> IF NOT EXISTS FOR (title:<LABEL>) ON title.<SLOT>
OPTIONS {indexConfig: {`vector.dimensions`: $dimension, `vector.similarity_function`: 'cosine',
  `vector.quantization.enabled`: false}}
