"""Images: reading of arrays and files, Keras networks; independent of cross-fitting."""
