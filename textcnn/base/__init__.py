"""Base classes of the public estimators: fit and transform, state, saving, explaining."""
