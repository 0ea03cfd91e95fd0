"""Real BI clients of the database that releases are published to."""
