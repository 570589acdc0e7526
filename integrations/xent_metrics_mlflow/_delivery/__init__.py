"""When it is sent: written to disk first, then by threads or a replay."""
