"""The property graph: what it holds, where it lives, what one may ask of it."""
