"""Wrong calls and misspelt names, answered as xent_metrics answers them."""

from xent_metrics._calls import no_name
from xent_metrics._pickling import public

__all__ = ["no_name", "public"]
