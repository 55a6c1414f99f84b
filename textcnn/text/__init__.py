"""Text input: columns to cells, cells to tokens."""
