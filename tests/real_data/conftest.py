"""Where the real data sets lie; `make test-data` says what is missing before it installs."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, which are never part of the repository."""
    folder = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.fail(
            "These tests need the folder of real data sets (images/, text/, tables/, vectors/). "
            f"Set TEXTCNN_DATA to it. Received: TEXTCNN_DATA={folder}"
        )
    return folder
