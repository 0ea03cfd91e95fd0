"""Pages of the guides that are made from real output, and the tests that keep them true."""
