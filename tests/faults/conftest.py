"""The bench of the gate's own tests, for the faults of files."""

from tests.landing.conftest import bench

__all__ = ["bench"]
