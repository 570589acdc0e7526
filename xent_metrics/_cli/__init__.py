"""The command line ``xent-metrics``: files in, the accessor's results out."""
