"""Gates: whether a model is good enough, judged by intervals rather than digits.

:func:`check` compares terms with numbers and knows three outcomes: *passed* where the
evidence says so, *failed* where it says the opposite, and *insufficient* where the rows
do not tell. The command line's ``--fail-if`` has the same language, and
:mod:`xent_metrics_pytest` brings it to tests.
"""

from typing import TYPE_CHECKING, Any

from .._calls import no_name
from ._check import check
from ._outcome import Finding, Outcome

__all__ = ["Finding", "Outcome", "check"]


if not TYPE_CHECKING:  # to which any name would be one of the module

    def __getattr__(name: str) -> Any:
        raise no_name(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
