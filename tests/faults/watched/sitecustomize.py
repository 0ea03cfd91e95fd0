"""On the path of a run's workers: they are watched from their first breath on."""

from tests.faults.network import watch

watch()
