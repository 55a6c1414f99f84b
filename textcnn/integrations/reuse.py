"""Cache the latest fits of a process, because hosts fit the same data once per model."""

from __future__ import annotations

from collections import OrderedDict

from textcnn.integrations.budget import Fit


class KeptFits:
    """The latest fits by a hash of their data and parameters.

    Parameters
    ----------
    most : int
        Number of fits to keep; the least recently used one is removed first.
    """

    def __init__(self, most: int):
        self.most = most
        self._fits: OrderedDict[str, Fit] = OrderedDict()

    def get(self, key: str | None, budget: float | None) -> Fit | None:
        """Return a fit of the same data, unless it was shortened and there is more time now."""
        fit = self._fits.get(key)
        if fit is None:
            return None
        if fit.cut_to is not None and (budget is None or budget > fit.cut_to):
            return None
        self._fits.move_to_end(key)
        return fit

    def put(self, key: str | None, fit: Fit) -> None:
        """Keep a fit if there is a key."""
        if key is None:
            return
        self._fits[key] = fit
        self._fits.move_to_end(key)
        while len(self._fits) > self.most:
            self._fits.popitem(last=False)

    def clear(self) -> None:
        """Remove all fits."""
        self._fits.clear()
