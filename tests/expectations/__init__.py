"""Tests of the suites and of how they are run."""
