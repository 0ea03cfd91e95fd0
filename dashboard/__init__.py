"""The dashboard: static pages made of a release, opened from the file system, without a server."""
