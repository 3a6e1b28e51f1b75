"""The GraphQL interface: types, batches, limits and the route."""
