"""What shows a release to others: the targets."""
