"""Unlike sets: what moved between them, and the loss that a set without labels has."""
