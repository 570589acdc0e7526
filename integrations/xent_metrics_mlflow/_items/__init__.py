"""What is logged: metrics, tags and files. Nothing here knows a tracking server."""
