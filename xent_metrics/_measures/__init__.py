"""The functions: cross-entropy, divergences, entropy."""
