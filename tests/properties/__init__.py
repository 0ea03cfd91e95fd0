"""Property tests: random histories, the oracle against the warehouse."""
