"""Routes, one module for each part of the graph that may be asked."""
