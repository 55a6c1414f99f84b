"""Pictures: arrays and files, Keras builders; knows no folds."""
