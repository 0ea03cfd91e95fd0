"""Metamorphic tests: what must stay, or change in a known way, when the raw rows change."""
