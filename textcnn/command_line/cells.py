"""Cells as they are written: which are missing, and which of them are numbers or times.

Text stays text: only the target of a regression, times, and the other columns of the demo are read
as numbers.
"""

from __future__ import annotations

import re
import warnings

import numpy as np

from textcnn.command_line.messages import BadInputError

# The spellings that pandas reads as missing; an empty cell is always missing.
USUAL_NA = (
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>",
    "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+|inf(inity)?)(e[+-]?\d+)?\s*", re.I | re.ASCII)
_CODE = re.compile(r"\s*[+-]?0\d", re.ASCII)
_MOST_CLASSES = 50


def known(cells: list, options, is_text: bool = False) -> list:
    """Return cells with None for missing ones: empty, null, NaN, or spelled as --na says.

    By default the usual spellings are missing, but those in a text column are texts.
    """
    na = (() if is_text else USUAL_NA) if options.na is None else options.na
    return [
        None if cell == "" or cell != cell or isinstance(cell, str) and cell in na else cell
        for cell in cells
    ]


def number(cell, decimal: str = ".") -> float | None:
    """Return a cell as a number, or None."""
    if not isinstance(cell, str):
        try:
            return float(cell)
        except (TypeError, ValueError):
            return None
    if decimal != ".":
        if "." in cell:
            return None
        cell = cell.replace(decimal, ".")
    return float(cell) if _NUMBER.fullmatch(cell) else None


def with_point(cell, decimal: str):
    """Return a number that is written with another decimal point as text with a point."""
    is_number = isinstance(cell, str) and number(cell, decimal) is not None
    return cell.replace(decimal, ".") if is_number else cell


def numbers_or_text(cells: list, decimal: str):
    """Return a column as numbers if all cells that are not missing are; codes as 007 are text."""
    import pandas as pd

    present = [cell for cell in cells if cell is not None]
    is_text = any(isinstance(cell, str) and _CODE.match(cell) for cell in present)
    if is_text or not present or any(number(cell, decimal) is None for cell in present):
        return pd.Series(cells, dtype=object)
    return pd.Series([np.nan if cell is None else number(cell, decimal) for cell in cells])


def are_row_numbers(cells: list) -> bool:
    """Return whether cells number the rows, as an index that was written to the file."""
    ends = number(cells[0]), number(cells[-1])
    if None in ends or ends[1] - ends[0] != len(cells) - 1:
        return False
    values = [number(cell) for cell in cells]
    return None not in values and bool((np.diff(values) == 1).all())


def target_of(cells: list, name: str, target_type: str, decimal: str) -> list | np.ndarray:
    """Return the target: numbers for a regression, else classes as they are written.

    Parameters
    ----------
    cells : list
        None is a missing target.
    name : str
        The column, for messages.
    target_type : str
        The option --target-type. With ``"auto"``, text is a class, and numbers of JSON or Parquet
        are what the encoder takes them for.
    decimal : str
    """
    present = [cell for cell in cells if cell is not None]
    if not present:
        raise BadInputError(f"the target column {name!r} is empty")
    if target_type == "continuous":
        return np.array(_numbers(cells, name, decimal))
    if target_type == "auto" and all(isinstance(cell, str) for cell in present):
        _check_no_quantities(set(present), name, decimal)
    return np.array([*cells, None], dtype=object)[:-1]  # one dimension, whatever the cells are


def _numbers(cells: list, name: str, decimal: str) -> list[float]:
    found = []
    for row, cell in enumerate(cells, start=1):
        value = np.nan if cell is None else number(cell, decimal)
        if value is None:
            other = "." if decimal != "." else ","
            hint = "" if number(cell, other) is None else f". Type --decimal {other}"
            raise BadInputError(
                f"row {row}, column {name!r} is not a number, as --target-type continuous needs. "
                f"Received: {str(cell)[:40]!r}{hint}"
            )
        found.append(value)
    return found


def _check_no_quantities(classes: set[str], name: str, decimal: str) -> None:
    """Refuse or warn of classes that look like quantities."""
    values = [number(cell, decimal) for cell in classes]
    if len(classes) < 3 or None in values or any(map(_CODE.match, classes)):
        return
    example = f"{name!r} with {len(classes)} different numbers such as {min(classes)!r}"
    ways = "Type --target-type continuous for quantities, or --target-type multiclass for classes"
    if len(classes) > _MOST_CLASSES or any(value % 1 for value in values):
        raise BadInputError(f"the target may be quantities or classes: {example}. {ways}")
    warnings.warn(f"each number of the target is a class: {example}. {ways}", stacklevel=3)


def groups_of(cells: list, name: str) -> np.ndarray:
    """Return groups as they are written."""
    _check_complete(cells, name, "group")
    if len({isinstance(cell, str) for cell in cells}) > 1:
        raise BadInputError(f"the groups in column {name!r} are partly text, partly numbers")
    return np.array(cells, dtype=object)


def times_of(cells: list, name: str, decimal: str) -> np.ndarray:
    """Return times as numbers or dates."""
    import pandas as pd

    _check_complete(cells, name, "time")
    numbers = [number(cell, decimal) for cell in cells]
    if None not in numbers:
        return np.array(numbers)
    found = pd.to_datetime(pd.Series(cells), errors="coerce", utc=True, format="ISO8601")
    if found.isna().any():
        row = int(found.isna().to_numpy().argmax())
        raise BadInputError(
            f"row {row + 1}, column {name!r} is not a time; expected numbers or dates such as "
            f"2024-05-31. Received: {str(cells[row])[:40]!r}"
        )
    return found.dt.tz_localize(None).to_numpy()


def _check_complete(cells: list, name: str, what: str) -> None:
    if None in cells:
        row = cells.index(None) + 1
        raise BadInputError(
            f"row {row} has no {what} in column {name!r}. Fill it, or leave out the row"
        )
