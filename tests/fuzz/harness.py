"""What fuzz tests share: how many trials there are, and what may come out of one.

The environment variable XENT_METRICS_FUZZ multiplies the number of trials: 1, as in
tox -e slow, takes about three seconds a file. A trial is made from its number alone, so
that one that fails can be repeated.
"""

import os
import warnings
from collections import Counter

from xent_metrics import SmallSampleWarning, UnseenLabelWarning

FACTOR = float(os.environ.get("XENT_METRICS_FUZZ", "0.5"))
# What a user may see, if it is one sentence with what to do.
ALLOWED = (ValueError, TypeError, KeyError, AttributeError, ImportError, OSError)
# Warnings that are no fault: about the data, and of what libraries plan.
NO_FAULT = (SmallSampleWarning, UnseenLabelWarning, DeprecationWarning)


class Tally:
    """Outcomes of trials by family: what was done, what was refused, what failed."""

    def __init__(self):
        self.counts, self.failures = Counter(), []

    def trials(self, n):
        """The numbers of the trials: n of them by default."""
        return range(max(1, round(n * FACTOR)))

    def add(self, family, trial, call):
        """Call, and count what comes out."""
        try:
            with warnings.catch_warnings():
                for category in NO_FAULT:
                    warnings.simplefilter("ignore", category)
                call()
        except ALLOWED as error:
            if not is_sentence(error):
                self.fail(family, trial, error)
            self.counts[family, "refused"] += 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be
            self.fail(family, trial, error)
        else:
            self.counts[family, "done"] += 1

    def fail(self, family, trial, error):
        """Keep what came out of a trial that should not have."""
        self.failures.append(f"{family}, trial {trial}: {error!r}"[:500])

    def check(self, *, at_least):
        """No trial failed, and of each outcome that is named there were some."""
        print("\n" + "\n".join(f"{key}: {n}" for key, n in self.counts.items()))  # noqa: T201 - shown by pytest -s
        few = [key for key in at_least if not self.counts[key]]
        assert not self.failures, "\n".join(self.failures)
        assert few == []


def is_sentence(error):
    """Whether an error is one sentence that ends in what to do."""
    text = str(error.args[0]) if error.args else ""
    return "\n" not in text and "; " in text and text.endswith((".", "?"))
