"""Arithmetic on blocks of rows; it knows numpy only."""
