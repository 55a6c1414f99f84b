"""Run one file reader under atheris, a coverage-guided fuzzer.

python hardening/guided.py {model,vectors,csv} FOLDER [options of libFuzzer]
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TARGETS = ("model", "vectors", "csv")


def reader(target: str, folder) -> Callable[[bytes], str]:
    """Return a function that reads bytes as a target and returns "read", "refused" or "skipped".

    Any exception except the documented one is a failure.
    """
    import textcnn.command_line.reading as reading
    import textcnn.persistence as persistence
    import textcnn.text.vectors as vectors
    from textcnn.command_line.messages import BadInputError

    path = os.path.join(folder, f"input.{'csv' if target == 'csv' else 'bin'}")

    def read_csv() -> None:
        with reading.read_chunks(path, ["a"]) as chunks:
            for _ in chunks:
                pass

    read, refusal = {
        "model": (lambda: persistence.load(path), persistence.FileFormatError),
        "vectors": (lambda: vectors.WordVectors.from_file(path), ValueError),
        "csv": (read_csv, BadInputError),
    }[target]

    def one(content: bytes) -> str:
        if target == "vectors" and content[:1] == b"\x80":
            return "skipped"  # a pickle may run code
        with open(path, "wb") as file:
            file.write(content)
        try:
            read()
        except refusal:
            return "refused"
        return "read"

    return one


def main() -> None:
    """Run one target."""
    import atheris

    target, folder = sys.argv[1], sys.argv[2]
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=["textcnn"]):
        one = reader(target, folder)

    def call(content: bytes) -> None:
        one(content)  # atheris requires None

    atheris.Setup([sys.argv[0], *sys.argv[3:]], call)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
