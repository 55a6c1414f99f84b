"""Training of the default text network by Numba and BLAS, behind the interface of Keras' training.

Everything in here imports Numba when a model is first trained, and never a Keras backend.
"""
