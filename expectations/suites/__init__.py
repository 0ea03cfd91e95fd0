"""The suites: `raw` (the landing contract) and `marts` (plausibility)."""
