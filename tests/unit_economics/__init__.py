"""Tests of LTV, CAC and what follows from them."""
