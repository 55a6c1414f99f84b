"""Feature names that scikit-learn, LightGBM, XGBoost and CatBoost accept."""

from __future__ import annotations

import re
from collections.abc import Sequence

# LightGBM refuses the special characters of JSON, XGBoost brackets and "<".
_REFUSED = re.compile(r'[\[\]{}<>",:]')


def accepted_names(names: Sequence[str]) -> list[str]:
    """Return names with ``_`` instead of characters that boosting libraries refuse.

    Names that become equal to an earlier one get a number.

    Examples
    --------
    >>> accepted_names(["price [EUR]", "price {EUR}", "size"])
    ['price _EUR_', 'price _EUR__2', 'size']
    """
    plain = [_REFUSED.sub("_", name) for name in names]
    taken = {name for name in names if _REFUSED.sub("_", name) == name}
    found = []
    for given, name in zip(names, plain, strict=True):
        if name != given:
            free, number = name, 2
            while free in taken:
                free, number = f"{name}_{number}", number + 1
            name = free
            taken.add(name)
        found.append(name)
    return found
