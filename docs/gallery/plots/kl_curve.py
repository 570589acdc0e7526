"""The divergence of two classes against q for p = 0.1, 0.3 and 0.5, each 0 at q = p."""

from xent_metrics import plotting

plotting.kl_curve()
