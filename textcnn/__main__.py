"""``python -m textcnn`` is the command ``textcnn``."""

import sys

from textcnn.command_line.main import main

if __name__ == "__main__":
    sys.exit(main())
