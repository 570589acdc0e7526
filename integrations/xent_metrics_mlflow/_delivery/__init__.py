"""When it is sent: on disk first, then from threads or another process."""
