"""What is fast, measured: each benchmark prints CPU-seconds, wall seconds and peak memory."""
