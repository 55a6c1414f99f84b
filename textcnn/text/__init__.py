"""Text input, vocabularies, word vectors and text networks."""
