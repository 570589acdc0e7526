"""Gates for models in tests: a plug-in of pytest.

One line in the ``conftest.py`` at the root of the tests turns it on, or ``pytest -p
xent_metrics_pytest``::

    pytest_plugins = ["xent_metrics_pytest"]

Tests then have the fixture ``xent``, a :class:`Gates`:

.. code-block:: python

    def test_churn(xent, evaluation):
        xent.check(evaluation, "miscalibration < 0.05", by="site")
        xent.no_worse(evaluation, "churn", margin=0.01)

Importing it loads neither xent_metrics nor pandas: tests that use them do.
"""

from ._gates import Gates
from ._plugin import pytest_addoption as pytest_addoption
from ._plugin import pytest_collection_finish as pytest_collection_finish
from ._plugin import pytest_configure as pytest_configure
from ._plugin import xent as xent
from ._warnings import InsufficientEvidenceWarning, LuckierBaselineWarning

__all__ = ["Gates", "InsufficientEvidenceWarning", "LuckierBaselineWarning"]
