"""What the features still hold beyond the predictions, and where the loss sits."""
