"""Signals, triggers, health, actions, and whether they foresee churn."""
