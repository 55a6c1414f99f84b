"""What make hands to the command line, and what it says before it starts."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
MAKEFILE = REPOSITORY / "Makefile"


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
    assert demo_arguments(tmp_path, f"DROP={name}") == [f"--drop={name}"]


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


def test_the_demo_installs_what_it_needs_and_no_backend(tmp_path):
    done = make("-n", "demo", f"VENV={tmp_path / 'venv'}")
    [line] = [line for line in done.stdout.splitlines() if "pip install" in line and "rich" in line]
    code = re.search(r"-c '([^']*)'", line)[1]
    named = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True
    ).stdout.split()
    names = {re.match(r"[a-z-]+", name)[0] for name in named}
    assert {"numba", "numpy", "pandas", "scikit-learn"} <= names
    assert not names & {"tensorflow", "keras", "gensim"}


def make(*arguments, **environment):
    """Run make in the repository without what the environment says of data."""
    return subprocess.run(
        ["make", *arguments],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("target", "file"),
    [
        ("test-data", "images/ants_bees_small_jpg.tar"),
        ("bench", "text/imdb.csv.gz"),
        ("hosts", "tables/womens_clothing.csv.gz"),
    ],
)
def test_what_needs_real_data_says_so_before_it_installs(target, file, tmp_path):
    empty = tmp_path / "empty"
    done = make(target, f"VENV={tmp_path / 'venv'}", TEXTCNN_DATA=str(empty))
    assert done.returncode
    assert f"Received: TEXTCNN_DATA={empty}" in done.stderr and f"\n  {file}: " in done.stderr
    assert not list(tmp_path.iterdir()), "nothing was installed"
    assert "venv" not in done.stdout


def test_the_data_that_targets_ask_for_are_those_that_tests_read():
    said = make("-n", "data-for-test").stdout.split()
    code = "".join(path.read_text() for path in (REPOSITORY / "tests" / "real_data").glob("*.py"))
    read = re.findall(r'real_data / "(\w+)" / (?:"(\w+)" / )?"([\w.-]+)"', code)
    names = ["/".join(filter(None, parts)) for parts in read]
    assert len(names) >= 9
    for name in names:
        assert name in said or name.partition("/")[0] in said


def test_the_last_line_of_make_test_says_what_was_left_out():
    recipe = make("-n", "test").stdout.splitlines()
    assert re.fullmatch(r"echo '.*left out.*: make test-data.* TEXTCNN_DATA .*'", recipe[-1])
    assert "real_data" not in "".join(recipe)


def test_continuous_integration_runs_what_people_run():
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    targets = re.findall(r"^(?!#).*\bmake ([a-z-]+)", script, re.MULTILINE)
    assert targets == ["data-for-test", "test", "test-data"]
    assert script.index("git clone") < script.index("env -u TEXTCNN_DATA make test")


def test_workflows_call_targets_that_exist():
    targets = re.findall(r"^make ([a-z-]+)", make("help").stdout, re.MULTILINE)
    assert {"compat", "package", "docs", "check", "test"} <= set(targets)
    folder = REPOSITORY / ".github" / "workflows"
    workflows = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.yml"))
    steps = re.findall(r"run: (.+)", workflows)
    called = [re.match(r"make ([a-z-]+)", step)[1] for step in steps]
    assert len(called) == 5 and set(called) <= set(targets)
    # What was never tried is said.
    said = (folder / "README.md").read_text(encoding="utf-8")
    for system in ("macos", "windows"):
        assert (f"{system}-latest" in workflows) == (system in said.lower())
