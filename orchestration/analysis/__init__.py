"""Statistics on small aggregates that SQL has made: pure functions for the dbt Python models."""
