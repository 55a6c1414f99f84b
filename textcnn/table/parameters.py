"""Nested parameters of members, such as ``cnn__n_filters``."""

from __future__ import annotations

from textcnn.table.members import NAMED, entry_encoder, entry_name


class MemberParametersMixin:
    """Nested parameters of ``members``; must precede BaseEstimator."""

    def get_params(self, deep=True):
        """Return the parameters; with ``deep`` also those of members, such as ``cnn__n_filters``.

        Parameters
        ----------
        deep : bool, default=True

        Returns
        -------
        dict
        """
        parameters_ = super().get_params(deep=False)
        if not deep or not isinstance(self.members, list | tuple):
            return parameters_
        for entry in self.members:
            name = entry_name(entry)
            encoder = None if name is None else _encoder_or_none(entry)
            if encoder is None or name in parameters_:
                continue
            parameters_[name] = encoder
            if hasattr(encoder, "get_params"):
                inner = encoder.get_params(deep=True)
                parameters_.update({f"{name}__{key}": value for key, value in inner.items()})
        return parameters_

    def set_params(self, **params):
        """Set parameters, also of members: ``set_params(cnn__n_filters=50)``.

        A member that was given by name becomes a (name, encoder) pair in ``members``.

        Parameters
        ----------
        **params : dict

        Returns
        -------
        self
        """
        if "members" in params:
            self.members = params.pop("members")
        entries = list(self.members) if isinstance(self.members, list | tuple) else []
        places = {entry_name(entry): place for place, entry in enumerate(entries)}
        own = set(super().get_params(deep=False))
        of_members: dict[str, dict] = {}
        for key in list(params):
            name, _, inner = key.partition("__")
            if name in own or name not in places:
                continue
            if inner:
                of_members.setdefault(name, {})[inner] = params.pop(key)
            else:
                entries[places[name]] = (name, params.pop(key))
        for name, inner in of_members.items():
            entry = entries[places[name]]
            encoder = entry_encoder(entry).set_params(**inner)
            if isinstance(entry, str):
                entries[places[name]] = (name, encoder)
        if entries and any(a is not b for a, b in zip(entries, self.members, strict=True)):
            self.members = type(self.members)(entries)
        return super().set_params(**params) if params else self


def _encoder_or_none(entry):
    """Return an entry's encoder, or None for an unknown name or a missing package."""
    if isinstance(entry, str) and entry not in NAMED:
        return None
    try:
        return entry_encoder(entry)
    except ImportError:  # fit raises a helpful error
        return None
