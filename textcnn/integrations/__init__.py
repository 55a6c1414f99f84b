"""Adapters for automated machine learning tools; each module imports without its host."""
