"""Tests of Holdfast; a package, so that the oracle and the helpers can be imported."""
