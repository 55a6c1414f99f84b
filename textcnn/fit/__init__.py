"""Fits models by fold plans: parameters, jobs, fits and their results."""
