"""One reader of files under atheris, which chooses inputs by the code they reach.

python hardening/guided.py {model,vectors,csv} FOLDER [options of libFuzzer]
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

with atheris.instrument_imports(include=["textcnn"]):
    import textcnn.command_line.reading as reading
    import textcnn.persistence as persistence
    import textcnn.text.vectors as vectors
    from textcnn.command_line.messages import BadInputError


def main() -> None:
    """Run one target."""
    target, folder = sys.argv[1], sys.argv[2]
    path = os.path.join(folder, f"input.{'csv' if target == 'csv' else 'bin'}")
    warnings.simplefilter("ignore")

    def read_model() -> None:
        try:
            persistence.load(path)
        except persistence.FileFormatError:
            pass

    def read_vectors() -> None:
        try:
            vectors.WordVectors.from_file(path)
        except ValueError:
            pass

    def read_csv() -> None:
        try:
            with reading.read_chunks(path, ["a"]) as chunks:
                for _ in chunks:
                    pass
        except BadInputError:
            pass

    read = {"model": read_model, "vectors": read_vectors, "csv": read_csv}[target]

    def one(content: bytes) -> None:
        if target == "vectors" and content[:1] == b"\x80":
            return  # a pickle runs code by nature
        with open(path, "wb") as file:
            file.write(content)
        read()

    atheris.Setup([sys.argv[0], *sys.argv[3:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
