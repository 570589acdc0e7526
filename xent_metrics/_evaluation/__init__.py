"""Predictions evaluated: what users hold, compare and write."""
