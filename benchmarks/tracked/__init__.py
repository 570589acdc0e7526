"""Cases of asv."""
