"""The installed wheel: its content, and serving with NumPy only."""

import importlib.metadata
import json
import subprocess
import sys
import zipfile
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


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel installed with ``pip install --no-deps``, together with NumPy only."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "textcnn")
    (folder / "numpy").mkdir()
    packages = Path(np.__file__).resolve().parent.parent
    for name in ("numpy", "numpy.libs"):  # the second only where NumPy brings its own libraries
        if (packages / name).is_dir():
            (folder / "numpy" / name).symlink_to(packages / name, target_is_directory=True)
    return folder


def test_the_wheel_contains_every_module_the_data_and_the_license(installed):
    there = {
        path.relative_to(installed / "textcnn").as_posix()
        for path in (installed / "textcnn").rglob("*")
        if path.is_file()
    }
    sources = {
        path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "textcnn").rglob("*.py")
    }
    assert sources <= there and "textcnn/_data/reviews.csv.gz" in there
    others = {name for name in there if not name.startswith("textcnn/")}
    assert {name.partition("/")[0] for name in others} == {
        f"textcnn-{importlib.metadata.version('textcnn')}.dist-info"
    }
    assert any(name.endswith("licenses/LICENSE") for name in others)


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
