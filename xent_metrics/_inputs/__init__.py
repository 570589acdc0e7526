"""What a user passes, read once into frozen, checked inputs."""
