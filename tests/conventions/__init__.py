"""Conventions of the project that no compiler checks."""
