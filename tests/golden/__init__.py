"""The worked examples that vendors and practitioners print."""
