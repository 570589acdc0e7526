"""The split of a mean cross-entropy into its terms."""
