"""How results are shown, and written as documents that are read back."""
