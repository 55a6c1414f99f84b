"""Training of the default text network by Numba and BLAS, with the interface of Keras training.

These modules import Numba when a model is first trained, and never a Keras backend.
"""
