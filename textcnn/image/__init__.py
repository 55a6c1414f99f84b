"""Images: arrays and files, Keras builders; knows no folds."""
