"""The graph written out: one module (or a few) for each form that other programs read."""
