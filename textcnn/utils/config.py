"""Settings of the whole package."""

from __future__ import annotations

_PROGRESS = ("auto", True, False)
_config = {"progress": "auto"}


def set_config(*, progress=None) -> None:
    """Change settings of the package for this process.

    Parameters
    ----------
    progress : {"auto", True, False}, optional
        Whether fits show a line of progress on standard error: number of models, epoch and
        seconds. ``"auto"``, at first: for fits that take longer than three seconds, in a terminal
        or notebook, but not in pipes, tests and worker processes. Estimators with callbacks of
        scikit-learn (``set_callbacks``) show those instead. None leaves it as it is.

    Raises
    ------
    ValueError
        For another value.

    Examples
    --------
    >>> import textcnn
    >>> textcnn.set_config(progress=False)
    >>> textcnn.get_config()
    {'progress': False}
    >>> textcnn.set_config(progress="auto")
    """
    if progress is None:
        return
    if not any(progress is option or progress == option for option in _PROGRESS):
        raise ValueError(
            f'progress must be "auto", True or False. Received: progress={progress!r}.'
        )
    _config["progress"] = progress if progress == "auto" else bool(progress)


def get_config() -> dict:
    """Return the settings of the package.

    Returns
    -------
    dict
        A copy; see :func:`set_config`.
    """
    return dict(_config)
