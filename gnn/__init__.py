"""Graph to triples, models and embeddings, and back into the graph."""
