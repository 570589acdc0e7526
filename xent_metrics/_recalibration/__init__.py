"""Recalibration maps: the class probabilities given the prediction."""
