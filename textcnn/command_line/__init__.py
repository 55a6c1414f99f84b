"""The ``textcnn`` command: demo, and files in, files out."""
