"""Runs read back: compared, and as a table."""
