"""Files in, graph tables out."""
