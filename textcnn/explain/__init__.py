"""Explanations of texts: contributions of words and n-grams to what models give."""
