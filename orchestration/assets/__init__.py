"""Dagster's assets: raw tables, dbt models, the release."""
