"""Closing the books: what was closed, what was restated since, and how dbt is told."""
