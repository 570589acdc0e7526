"""Data that is read part by part."""
