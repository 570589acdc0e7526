"""The functions that log: evaluations, cross-validations, searches, comparisons."""
