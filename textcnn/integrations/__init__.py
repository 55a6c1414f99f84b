"""Adapters for AutoML tools ("hosts"); each module can be imported without its host."""
