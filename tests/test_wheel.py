"""What is published: the content of sdist and wheel, and serving from the wheel with NumPy only."""

import importlib.metadata
import json
import re
import runpy
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from pathlib import Path

import numpy as np
import pytest
from checks import signal_table, tiny

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(60, seed=2)
SERVED = """
    import json, sys
    sys.path[:0] = sys.argv[1:3]
    import textcnn.serving
    model = textcnn.serving.load(sys.argv[3])
    print(json.dumps(model.transform(json.loads(sys.argv[4])).tolist()))
    print(json.dumps([textcnn.__file__, sorted({name.partition(".")[0] for name in sys.modules})]))
"""


def build(kind, source, destination):
    """Build "sdist" or "wheel" and return its path."""
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", destination],
        cwd=source,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (path,) = destination.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel installed with ``pip install --no-deps``, together with NumPy only."""
    folder = tmp_path_factory.mktemp("wheel")
    with zipfile.ZipFile(build("wheel", REPOSITORY, folder / "dist")) as archive:
        archive.extractall(folder / "textcnn")
    (folder / "numpy").mkdir()
    packages = Path(np.__file__).resolve().parent.parent
    for name in ("numpy", "numpy.libs"):  # the second only where NumPy brings its own libraries
        if (packages / name).is_dir():
            (folder / "numpy" / name).symlink_to(packages / name, target_is_directory=True)
    return folder


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sources():
    return {
        path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "textcnn").rglob("*.py")
    }


def test_the_wheel_contains_the_modules_the_data_the_license_and_nothing_else(installed, sources):
    info = f"textcnn-{importlib.metadata.version('textcnn')}.dist-info"
    about = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    expected = sources | {"textcnn/_data/reviews.csv.gz"} | {f"{info}/{name}" for name in about}
    assert files_in(installed / "textcnn") == expected


def test_the_sdist_is_what_the_wheel_is_built_from(installed, sources, tmp_path):
    with tarfile.open(build("sdist", REPOSITORY, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (root,) = (tmp_path / "unpacked").iterdir()
    others = {"CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml"}
    others |= {"data/reviews.csv.gz", ".gitignore"}
    assert files_in(root) == sources | others
    with zipfile.ZipFile(build("wheel", root, tmp_path / "wheel")) as archive:
        assert set(archive.namelist()) == files_in(installed / "textcnn")


def test_what_is_promised_about_versions_is_what_compat_runs(installed):
    (path,) = (installed / "textcnn").glob("*.dist-info/METADATA")
    about = message_from_string(path.read_text(encoding="utf-8"))
    kinds = about.get_all("Classifier")
    promised = re.findall(r":: (3\.\d+)$", "\n".join(kinds), re.MULTILINE)
    assert about["Requires-Python"] == "<3.14,>=3.11" and promised == ["3.11", "3.12", "3.13"]
    compat = runpy.run_path(str(REPOSITORY / "compat" / "run.py"))
    assert compat["SETTINGS"] == (*promised, f"{promised[0]}-lowest")
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pins = compat["lowest"](project)
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in pins)
    assert {pin.partition("=")[0] for pin in pins} >= {"scikit-learn", "pandas", "numpy", "keras"}
    for test in compat["NEEDS_NEWER"]:
        file, _, name = test.partition("::")
        code = (REPOSITORY / file).read_text(encoding="utf-8")
        assert f"\ndef {name.partition('[')[0]}(" in code


def test_the_wheel_serves_with_numpy_only(installed, tmp_path):
    encoder = tiny(cv=2).fit(TABLE["review"].tolist(), Y)
    encoder.save(tmp_path / "model.textcnn")
    texts = [*signal_table(40, seed=3)[0]["review"], "", "你好 good"]
    code = "\n".join(line.strip() for line in SERVED.splitlines())
    done = subprocess.run(
        # -I and -S: neither this folder, nor the environment's packages, nor PYTHONPATH.
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            code,
            installed / "textcnn",
            installed / "numpy",
            tmp_path / "model.textcnn",
            json.dumps(texts),
        ],  # fmt: skip
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    features, about = done.stdout.splitlines() or pytest.fail(done.stderr)
    np.testing.assert_allclose(json.loads(features), encoder.transform(texts), atol=1e-5)
    place, modules = json.loads(about)
    assert Path(place).is_relative_to(installed)
    assert not {"pandas", "scipy", "sklearn", "keras", "tensorflow"} & set(modules)
