"""From a private build to an immutable release: build, seal, commit, roll forward."""
