"""Amazon Neptune's bulk loader: its files, its jobs, and a load of the graph through it."""
