"""What averaging the members of an ensemble gains."""
