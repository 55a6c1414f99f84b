"""Explanations of text models: contributions of words and n-grams to their outputs."""
