"""The semantic layer gives what the marts publish, or nothing."""
