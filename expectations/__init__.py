"""Great Expectations suites as Python: the contract of raw tables, the plausibility of marts."""
