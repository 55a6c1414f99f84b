"""Set-up that several test modules share."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets, which are never part of the repository."""
    folder = Path(os.environ.get("TEXTCNN_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.fail(
            "These tests need the folder of real data sets (text/, tables/, vectors/). "
            f"Set TEXTCNN_DATA to it. Received: TEXTCNN_DATA={folder}"
        )
    return folder
