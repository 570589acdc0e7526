"""The line that turns the plug-in on."""

pytest_plugins = ["xent_metrics_pytest"]
