"""Names of features that other packages accept."""

from __future__ import annotations

from collections.abc import Iterable

# LightGBM refuses characters of JSON, XGBoost brackets and "<".
_REFUSED = str.maketrans(dict.fromkeys('",:[]{}<>', "_") | dict.fromkeys(range(32), "_"))


def safe_name(name: str) -> str:
    """Return a name without characters that LightGBM or XGBoost refuse; the length is kept.

    >>> safe_name("toy_cnn_Toys: outdoor")
    'toy_cnn_Toys_ outdoor'
    """
    return name.translate(_REFUSED)


def safe_names(names: Iterable[str]) -> list[str]:
    """Return such names, with numbers where two of them became alike.

    >>> safe_names(["_a:b", "_a,b", "_c"])
    ['_a_b', '_a_b_2', '_c']
    """
    found: dict[str, None] = {}
    for name in map(safe_name, names):
        distinct, number = name, 1
        while distinct in found:
            number += 1
            distinct = f"{name}_{number}"
        found[distinct] = None
    return list(found)
