"""Mutation of the revenue models: one change in the compiled SQL, and the tests must notice."""
