"""Helpers of the tests: raw rows in, dbt in process, marts out."""
