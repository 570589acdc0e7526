"""The evaluator of ``mlflow.models.evaluate``."""
