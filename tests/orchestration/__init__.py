"""Tests of the run: Dagster, dbt, suites and release together."""
