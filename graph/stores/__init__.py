"""Where the graph lives: one module (or small package) for each engine."""
