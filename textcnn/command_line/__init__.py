"""The ``textcnn`` command: the demo, and features from files to files."""
