"""Install each AutoML tool ("host") in its own environment, run its tests, record the results.

    python hosts/run.py                      # all hosts, one after another
    python hosts/run.py autogluon flaml      # only these
    python hosts/run.py --folder engines     # distributed engines instead of hosts
    python hosts/run.py --environments DIR   # folder for the environments (default .venvs)

The real table is read from the folder TEXTCNN_DATA. RESULTS.md in the folder contains the latest
result of every host. Needs only Python and a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from results import keep, kept, machine, today, write_page

REPOSITORY = Path(__file__).resolve().parent.parent
# Their pins exclude textcnn's own requirements.
WITHOUT_TEXTCNN = ("pycaret",)
TIME_LIMIT = 3600
SHARED_DATA = REPOSITORY / "benchmarks" / "shared_data.py"
REAL_TABLE = "tables/womens_clothing.csv.gz"
# Lines that the tests print for RESULTS.md.
MEASURED = r"^(?:test AUC|AUC of|\w+ model.*AUC|(?:dask|ray|spark): ).*$"
HEADS = {
    "hosts": [
        "# Test results in AutoML tools",
        "",
        "Written by `make hosts` (`python hosts/run.py`); {machine}.",
        "Times are rough: the machine may have run other programs at the same time.",
        "The tests: `hosts/test_<host>.py`. How to use each host: `docs/hosts.md`.",
    ],
    "engines": [
        "# Test results with distributed engines, on one machine",
        "",
        "Written by `make distributed` (`python hosts/run.py --folder engines`); {machine}.",
        "The machine may have run other programs meanwhile: compare rates within a line only.",
        "The tests: `engines/test_<engine>.py`. How to use each engine: `docs/scaling.md`.",
    ],
}


def main() -> int:
    """Test the given hosts; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Test textcnn inside other tools.")
    parser.add_argument("hosts", nargs="*", help="default: all")
    parser.add_argument("--folder", choices=sorted(HEADS), default="hosts")
    parser.add_argument("--environments", type=Path)
    arguments = parser.parse_args()
    folder = REPOSITORY / arguments.folder
    environments = (arguments.environments or folder / ".venvs").resolve()
    hosts = sorted(path.stem.removeprefix("test_") for path in folder.glob("test_*.py"))
    unknown = sorted(set(arguments.hosts) - set(hosts))
    if unknown:
        parser.error(f"expected some of {', '.join(hosts)}. Received: {', '.join(unknown)}")
    # Said before anything is installed, which takes many minutes.
    if any(reads_table(folder, host) for host in arguments.hosts or hosts):
        if subprocess.run([sys.executable, SHARED_DATA, REAL_TABLE]).returncode:
            return 1
    results = []
    for host in arguments.hosts or hosts:
        result = try_host(host, folder, environments)
        keep(folder / "results", host, result)
        report(folder)
        results.append(result)
        sys.stdout.write(f"{host}: {result['outcome']}\n")
        sys.stdout.flush()
    return int(any(result["traceback"] for result in results))


def reads_table(folder: Path, host: str) -> bool:
    """Tell whether the tests of a host read the real table."""
    return "from tables import" in (folder / f"test_{host}.py").read_text(encoding="utf-8")


def try_host(host: str, folder: Path, environments: Path) -> dict:
    """Install one host, run its tests and return the result.

    If the folder has a single ``requirements.txt``, all tests share one environment.
    """
    result = {
        "host": host,
        "date": today(),
        "versions": {},
        "lines": [],
    }
    requirements = folder / f"requirements-{host}.txt"
    environment = environments / f"venv-{host}"
    if not requirements.exists():
        requirements, environment = folder / "requirements.txt", environments / "venv"
    python = environment / "bin" / "python"
    steps = [] if python.exists() else [[sys.executable, "-m", "venv", str(environment)]]
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    own = [] if host in WITHOUT_TEXTCNN else ["--editable", str(REPOSITORY)]
    steps.append([*install, "--requirement", str(requirements), *own])
    for step in steps:
        done = run(step)
        if done.returncode:
            result |= {"outcome": "not installed", "seconds": 0, "traceback": tail(done.stdout)}
            return result
    result["versions"] = versions(python, requirements)
    started = time.monotonic()
    test = folder / f"test_{host}.py"
    options = ["-c", str(folder / "pytest.ini"), "--rootdir", str(folder), "-p", "no:cacheprovider"]
    done = run([str(python), "-m", "pytest", *options, "-q", "-rfEP", str(test)])
    counts = re.findall(r"^=*\s*(\d+ (?:passed|failed|error).*?) in [\d.]+s", done.stdout, re.M)
    return result | {
        "outcome": counts[-1] if counts else f"exit status {done.returncode}",
        "seconds": round(time.monotonic() - started),
        "lines": sorted(set(re.findall(MEASURED, done.stdout, re.MULTILINE))),
        "traceback": tail(failures(done.stdout)) if done.returncode else "",
    }


def failures(output: str) -> str:
    """Return pytest's output about failures and errors; all of its output if there are none."""
    parts = re.findall(
        r"^=+ (?:FAILURES|ERRORS) =+$(.*?)(?=^=+ [\w ]+ =+$)", output, re.MULTILINE | re.DOTALL
    )
    names = re.findall(r"^(?:FAILED|ERROR) .*$", output, re.MULTILINE)
    return "\n".join([*parts, *names]) or output


def run(command: list[str]) -> subprocess.CompletedProcess:
    """Run a command; standard output and standard error are returned together."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": ""}
    if "TEXTCNN_DATA" in environment:
        environment["TEXTCNN_DATA"] = str(Path(environment["TEXTCNN_DATA"]).resolve())
    try:
        with tempfile.TemporaryDirectory() as folder:  # hosts write logs into the working directory
            return subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIME_LIMIT,
            )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
        output = output.decode(errors="replace") if isinstance(output, bytes) else output
        return subprocess.CompletedProcess(command, 124, f"{output}\nstopped after {TIME_LIMIT} s")


def versions(python: Path, requirements: Path) -> dict[str, str]:
    """Return the installed versions of the packages in the requirements."""
    names = re.findall(r"^([\w.-]+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    code = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    )
    output = run([str(python), "-c", code, *names]).stdout
    return json.loads(output.strip().splitlines()[-1])


def tail(text: str, n_lines: int = 60) -> str:
    """Return the last lines, with local paths removed."""
    text = "\n".join(text.splitlines()[-n_lines:])
    for path, name in ((REPOSITORY, "."), (Path.home(), "~"), (Path(sys.prefix), "<python>")):
        text = text.replace(str(path), name)
    return re.sub(r"/\S*/site-packages/", "<site-packages>/", text)


def report(folder: Path) -> None:
    """Write RESULTS.md from the latest result of every host."""
    latest = kept(folder / "results")
    lines = [
        *(line.format(machine=machine()) for line in HEADS[folder.name]),
        "",
        "| host | date | result | seconds | versions |",
        "|---|---|---|---|---|",
    ]
    for result in latest:
        named = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        lines.append(
            f"| {result['host']} | {result['date']} | {result['outcome']} | {result['seconds']} "
            f"| {named} |"
        )
    for result in latest:
        if result["lines"]:
            lines += ["", f"## {result['host']}: measurements", ""]
            lines += [f"- {line}" for line in result["lines"]]
        if result["traceback"]:
            lines += ["", f"## {result['host']}: failures", "", "```"]
            lines += [*result["traceback"].splitlines(), "```"]
    write_page(folder / "RESULTS.md", lines)


if __name__ == "__main__":
    sys.exit(main())
