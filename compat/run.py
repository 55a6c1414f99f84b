"""Test textcnn on other Pythons and on the lowest versions that pyproject.toml promises.

    make compat                              # every setting
    make compat SETTINGS="3.13 3.11-lowest"  # some of them

A setting is a Python, with the newest packages that pip finds for it, or with the lowest of those
that pyproject.toml names. Each has its own environment (3 GB, in ``compat/.venvs``). A Python is
found as ``python3.13`` on the path or among pyenv's. COMPAT.md contains the latest result of every
setting. Needs only Python and a package index.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
sys.path.insert(0, str(REPOSITORY / "hosts"))

from results import keep, kept, machine, today, write_page  # noqa: E402

SETTINGS = ("3.11", "3.12", "3.13", "3.11-lowest")
EXTRAS = ("plot", "vectors", "onnx")
# Tests that are left out at the lowest versions, and why.
NEEDS_NEWER = {
    "tests/test_encoders.py::test_callbacks_see_fit_model_and_epoch": "scikit-learn 1.9: callbacks",
    "tests/test_table_features.py::test_any_encoder_is_a_member": "scikit-learn 1.9: TargetEncoder "
    "with lists of folds",
    "tests/test_saving.py::test_files_of_every_format_version_are_read[stacked_v1.textcnn]": "a "
    "file with an estimator of scikit-learn 1.9, of which loading warns",
    "tests/test_saving.py::test_files_of_every_format_version_are_read[stacked_v2.textcnn]": "the "
    "same",
}
TIME_LIMIT = 3600
HEAD = [
    "# Versions that were tested",
    "",
    "Written by `make compat` and `make package`; {machine}. The tests are those of `make",
    "check` and the end-to-end files that `COMPAT` in the Makefile lists, with warnings as errors,",
    "and the extras plot, vectors and onnx. `lowest`: the lowest version of each package that",
    "pyproject.toml names; what these depend on is the newest that fits. Warnings are no errors",
    "there, because old packages use what newer ones deprecate. Not tried: the extra sentence, and",
    "systems other than Linux on x86-64. Seconds are of a busy machine.",
]


def main() -> int:
    """Test the given settings; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Test textcnn with other versions.")
    parser.add_argument("settings", nargs="*", metavar="SETTING", help=", ".join(SETTINGS))
    parser.add_argument("--tests", required=True, help="test files, separated by spaces")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.settings) - set(SETTINGS))
    if unknown:
        parser.error(f"expected some of {', '.join(SETTINGS)}. Received: {', '.join(unknown)}")
    failed = False
    for setting in arguments.settings or SETTINGS:
        result = try_setting(setting, arguments.tests.split())
        keep(FOLDER / "results", setting, result)
        write_results()
        sys.stdout.write(f"{setting}: {result['outcome']}\n{result['traceback']}\n")
        sys.stdout.flush()
        failed |= bool(result["traceback"])
    return int(failed)


def find_python(version: str) -> str | None:
    """Return the path of an interpreter of a version such as "3.13", or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    named = shutil.which(f"python{version}")
    for path in [named, *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))]:
        # pyenv puts names on the path that do not run.
        if path and not run([path, "--version"]).returncode:
            return path
    return None


def lowest(project: dict) -> list[str]:
    """Return pins of the lowest version of each requirement, extras included."""
    requirements = [*project["dependencies"]]
    for extra in EXTRAS:
        requirements += project["optional-dependencies"][extra]
    return [re.sub(">=", "==", requirement) for requirement in requirements]


def try_setting(setting: str, tests: list[str]) -> dict:
    """Install one setting, run the tests and return the result."""
    version, _, which = setting.partition("-")
    result = {"setting": setting, "date": today(), "python": "", "versions": {}, "seconds": 0}
    result["tests"] = tests
    found = find_python(version)
    if not found:
        return result | {"outcome": f"not run: no Python {version} here", "traceback": ""}
    environment = FOLDER / ".venvs" / f"venv-{setting}"
    python = environment / "bin" / "python"
    steps = [] if python.exists() else [[found, "-m", "venv", str(environment)]]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["--requirement", str(FOLDER / "requirements.txt")]
    install += ["--editable", f"{REPOSITORY}[{','.join(EXTRAS)}]"]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    if which:
        install += lowest(project)
    for step in [*steps, install]:
        done = run(step)
        if done.returncode:
            return result | {"outcome": "not installed", "traceback": tail(done.stdout)}
    names = [re.match(r"[\w.-]+", name)[0] for name in project["dependencies"]]
    result |= installed(python, names)
    started = time.monotonic()
    command = [str(python), "-m", "pytest", "-n", "2", "-q", "-rfE", "-p", "no:cacheprovider"]
    if which:  # old packages warn of the newer ones that they meet
        command += ["-o", "filterwarnings=default"]
        command += [f"--deselect={test}" for test in NEEDS_NEWER]
    done = run([*command, *tests])
    counts = re.findall(r"^=*\s*(\d+ (?:passed|failed|error).*?) in [\d.]+s", done.stdout, re.M)
    return result | {
        "outcome": counts[-1] if counts else f"exit status {done.returncode}",
        "seconds": round(time.monotonic() - started),
        "traceback": tail(done.stdout) if done.returncode else "",
    }


def run(command: list[str], folder: Path = REPOSITORY) -> subprocess.CompletedProcess:
    """Run a command; standard output and standard error are returned together."""
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_NUM_INTRAOP_THREADS": "1",
    }
    environment.pop("KERAS_BACKEND", None)
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, f"stopped after {TIME_LIMIT} s")


def installed(python: Path, names: list[str]) -> dict:
    """Return the version of Python and of the named packages."""
    code = (
        "import importlib.metadata as m, platform, sys; print(platform.python_version(), "
        "*(m.version(n) for n in sys.argv[1:]))"
    )
    version, *versions = run([str(python), "-c", code, *names]).stdout.split()
    return {"python": version, "versions": dict(zip(names, versions, strict=True))}


def tail(text: str, n_lines: int = 40) -> str:
    """Return the last lines, without local paths and warnings of pip."""
    lines = [line for line in text.splitlines() if not line.startswith("WARNING: Location")]
    text = "\n".join(lines[-n_lines:])
    for path, name in ((REPOSITORY, "."), (Path.home(), "~")):
        text = text.replace(str(path), name)
    return text


def write_results() -> None:
    """Write COMPAT.md from the latest result of every setting."""
    latest = kept(FOLDER / "results")
    lines = [line.format(machine=machine()) for line in HEAD]
    lines += ["", "| setting | Python | date | result | seconds |", "|---|---|---|---|---|"]
    for result in latest:
        lines.append(
            f"| {result['setting']} | {result['python']} | {result['date']} "
            f"| {result['outcome']} | {result['seconds']} |"
        )
    lines += ["", "Left out at the lowest versions, because they need newer ones:", ""]
    lines += [f"- `{test}` ({reason})" for test, reason in NEEDS_NEWER.items()]
    tested = [result for result in latest if result["versions"]]
    everything = max((result["tests"] for result in tested), key=len, default=[])
    for result in tested:
        if left_out := sorted(set(everything) - set(result["tests"])):
            lines += ["", f"Not run on {result['setting']}: {', '.join(left_out)}."]
        if result.get("note"):  # written by hand
            lines += ["", f"{result['setting']}: {result['note']}"]
    names = sorted({name for result in tested for name in result["versions"]})
    lines += ["", f"| package | {' | '.join(result['setting'] for result in tested)} |"]
    lines.append("|---" * (len(tested) + 1) + "|")
    for name in names:
        versions = [result["versions"].get(name, "") for result in tested]
        lines.append(f"| {name} | {' | '.join(versions)} |")
    for result in latest:
        if result["traceback"]:
            lines += ["", f"## {result['setting']}: failures", "", "```"]
            lines += [*result["traceback"].splitlines(), "```"]
    write_page(FOLDER / "COMPAT.md", lines)


if __name__ == "__main__":
    sys.exit(main())
