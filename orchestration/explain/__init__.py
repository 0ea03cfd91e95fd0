"""From a released figure to the raw rows behind it: `make explain METRIC=... MONTH=...`."""
