"""What a release is handed on to once it is committed; each target converges by itself."""
