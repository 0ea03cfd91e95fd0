"""Churn and retention: figures by hand, outside data with known answers, vendors' tables."""
