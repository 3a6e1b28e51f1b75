"""Gorse's REST contract under /api/: what its clients call, answered by this service."""
