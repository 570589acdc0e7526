"""The pandas accessor df.xent."""
