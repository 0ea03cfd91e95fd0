"""The gate: from landed files to raw views, by the raw contract."""
