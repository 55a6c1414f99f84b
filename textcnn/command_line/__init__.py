"""The parts of the ``textcnn`` command that work on files; `textcnn.cli` puts them together."""
