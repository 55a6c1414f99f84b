"""What make hands to the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).resolve().parent.parent / "Makefile"


def demo_arguments(folder, *settings, **environment):
    """Return what `make demo` gives to `python -m textcnn`; a stand-in writes it down."""
    python = folder / "python"
    python.write_text(
        f"#!{sys.executable}\nimport json, sys\n"
        f"json.dump(sys.argv[1:], open({str(folder / 'seen')!r}, 'w'))\n"
    )
    python.chmod(0o755)
    (folder / "pyproject.toml").touch()
    (folder / ".ready").touch()
    subprocess.run(
        ["make", "-f", str(MAKEFILE), f"VENV={folder}", f"PY={python}", "demo", *settings],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        check=True,
        capture_output=True,
    )
    seen = json.loads((folder / "seen").read_text())
    assert seen[:3] == ["-m", "textcnn", "demo"]
    return seen[3:]


@pytest.mark.parametrize("name", ["a$b", "a b", "a'b", 'a"b', "$(HOME)", "-a", "`a`", "a#b", "é"])
def test_the_demo_takes_any_name(tmp_path, name):
    settings = [f"CSV={name}", f"TEXT={name}", f"TARGET={name}"]
    expected = [f"--csv={name}", f"--text={name}", f"--target={name}"]
    assert demo_arguments(tmp_path, *settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ([], []),
        (["TEXT=x"], ["--text=x"]),
        (["CSV=", "TEXT=a", "TARGET=b"], ["--text=a", "--target=b"]),
        (["CSV=x.csv"], ["--csv=x.csv"]),
    ],
)
def test_the_command_line_hears_of_what_is_given_and_of_nothing_else(tmp_path, settings, expected):
    assert demo_arguments(tmp_path, *settings) == expected


def test_a_target_in_the_environment_is_not_meant_for_the_demo(tmp_path):
    assert demo_arguments(tmp_path, TARGET="x86_64") == []
