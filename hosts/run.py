"""Install each host in an environment of its own, run its tests, and write down what came of it.

    python hosts/run.py                      # all hosts, one after another
    python hosts/run.py autogluon flaml      # these
    python hosts/run.py --environments DIR   # where environments are made (default .venvs)

The real table is read from the folder TEXTCNN_DATA. RESULTS.md beside this file keeps the latest
outcome of every host. Needs nothing but Python and a package index.
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

FOLDER = Path(__file__).resolve().parent
REPOSITORY = FOLDER.parent
HOSTS = sorted(path.stem.removeprefix("test_") for path in FOLDER.glob("test_*.py"))
# Their pins exclude textcnn's own requirements.
WITHOUT_TEXTCNN = ("pycaret",)
LATEST = FOLDER / "results"
TIME_LIMIT = 3600


def main() -> int:
    """Run the hosts that are asked for; return 1 if one failed."""
    parser = argparse.ArgumentParser(description="Try textcnn inside other tools.")
    parser.add_argument("hosts", nargs="*", help=f"of {', '.join(HOSTS)}; all if none is named")
    parser.add_argument("--environments", type=Path, default=FOLDER / ".venvs")
    arguments = parser.parse_args()
    environments = arguments.environments.resolve()
    unknown = sorted(set(arguments.hosts) - set(HOSTS))
    if unknown:
        parser.error(f"expected some of {', '.join(HOSTS)}. Received: {', '.join(unknown)}")
    results = []
    for host in arguments.hosts or HOSTS:
        result = try_host(host, environments / f"venv-{host}")
        keep(LATEST, host, result)
        report()
        results.append(result)
        sys.stdout.write(f"{host}: {result['outcome']}\n")
        sys.stdout.flush()
    return int(any(result["traceback"] for result in results))


def try_host(host: str, environment: Path) -> dict:
    """Install one host and run its tests; return what is to be written down."""
    result = {
        "host": host,
        "date": today(),
        "versions": {},
        "lines": [],
    }
    python = environment / "bin" / "python"
    requirements = FOLDER / f"requirements-{host}.txt"
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
    test = FOLDER / f"test_{host}.py"
    options = ["-c", str(FOLDER / "pytest.ini"), "--rootdir", str(FOLDER), "-p", "no:cacheprovider"]
    done = run([str(python), "-m", "pytest", *options, "-q", "-rP", str(test)])
    counts = re.findall(r"^=*\s*(\d+ (?:passed|failed|error).*?) in [\d.]+s", done.stdout, re.M)
    return result | {
        "outcome": counts[-1] if counts else f"ended with code {done.returncode}",
        "seconds": round(time.monotonic() - started),
        "lines": sorted(
            set(re.findall(r"^(?:test AUC|AUC of|\w+ model.*AUC).*$", done.stdout, re.M))
        ),
        "traceback": tail(done.stdout) if done.returncode else "",
    }


def run(command: list[str]) -> subprocess.CompletedProcess:
    """Run a command; what it says on either stream comes back as one text."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONPATH": ""}
    if "TEXTCNN_DATA" in environment:
        environment["TEXTCNN_DATA"] = str(Path(environment["TEXTCNN_DATA"]).resolve())
    try:
        with tempfile.TemporaryDirectory() as folder:  # hosts leave logs where they are run
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
        said = error.stdout or b""
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        return subprocess.CompletedProcess(command, 124, f"{said}\nstopped after {TIME_LIMIT} s")


def versions(python: Path, requirements: Path) -> dict[str, str]:
    """Return the installed versions of what the requirements name."""
    names = re.findall(r"^([\w.-]+)", requirements.read_text(encoding="utf-8"), re.MULTILINE)
    code = (
        "import importlib.metadata as m, json, sys; "
        "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    )
    said = run([str(python), "-c", code, *names]).stdout
    return json.loads(said.strip().splitlines()[-1])


def tail(text: str, n_lines: int = 60) -> str:
    """Return the last lines, without the paths of this machine."""
    text = "\n".join(text.splitlines()[-n_lines:])
    for path, name in ((REPOSITORY, "."), (Path.home(), "~"), (Path(sys.prefix), "<python>")):
        text = text.replace(str(path), name)
    return re.sub(r"/\S*/site-packages/", "<site-packages>/", text)


def report() -> None:
    """Write RESULTS.md from the latest outcome of every host."""
    latest = kept(LATEST)
    lines = [
        "# Hosts, installed and run",
        "",
        f"Written by `make hosts` (`python hosts/run.py`); {machine()}.",
        "Seconds say how long to wait, no more: the machine may have done other work beside.",
        "What each test does: `hosts/test_<host>.py`. How to use each host: `docs/hosts.md`.",
        "",
        "| host | date | outcome | seconds | versions |",
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
            lines += ["", f"## {result['host']}: what was measured", ""]
            lines += [f"- {line}" for line in result["lines"]]
        if result["traceback"]:
            lines += ["", f"## {result['host']}: what failed", "", "```"]
            lines += [*result["traceback"].splitlines(), "```"]
    write_page(FOLDER / "RESULTS.md", lines)


if __name__ == "__main__":
    sys.exit(main())
