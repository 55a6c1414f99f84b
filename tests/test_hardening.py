"""A small form of `make fuzz` and `make soak`: the same code, fewer examples."""

import importlib
import os
from pathlib import Path

import numpy as np
import pytest

from textcnn import TextLinearEncoder

HARDENING = Path(__file__).resolve().parent.parent / "hardening"
COUNTS = {"texts": 41, "frames": 8, "vectors": 150, "models": 40, "tables": 30, "images": 60}


@pytest.fixture
def module(monkeypatch):
    monkeypatch.syspath_prepend(str(HARDENING.parent / "hosts"))
    monkeypatch.syspath_prepend(str(HARDENING))
    return importlib.import_module


@pytest.mark.parametrize("part", COUNTS)
def test_nothing_hostile_gets_through(module, part):
    result = module("fuzz").run_part(part, COUNTS[part], seed_=11)
    assert not result["traceback"], result["traceback"]
    assert result["n"] >= COUNTS[part] * 0.8 and sum(result["outcomes"].values()) >= result["n"]


def test_every_part_of_the_full_run_is_tried_here(module):
    assert set(module("fuzz").PARTS) == {*COUNTS, "guided"} == set(module("fuzz").COUNTS)


GOOD = {"vectors": b"good 0.5 1.5\nbad 1.0 2.0\n", "csv": b"a,b\nx,y\n"}


@pytest.mark.parametrize("target", ["model", "vectors", "csv"])
def test_what_atheris_calls_reads_or_refuses(module, target, tmp_path):
    guided = module("guided")
    assert "atheris" not in vars(guided) and target in guided.TARGETS
    one = guided.reader(target, tmp_path)
    good = GOOD.get(target)
    if good is None:
        TextLinearEncoder(cv=2).fit(["good film", "bad film"] * 5, [1, 0] * 5).save(
            tmp_path / "good.textcnn"
        )
        good = (tmp_path / "good.textcnn").read_bytes()
    assert one(good) == "read"
    for content in (b"", b"\x80\x04", b"PK\x05\x06", b'"a', b"\xff\xfe", good[:-9], good + good):
        said = one(content)
        assert said in ("read", "refused") or (target == "vectors" and content[:1] == b"\x80")
    assert one(b"") == "refused"


def test_without_atheris_the_record_is_skipped(module, monkeypatch):
    fuzz = module("fuzz")
    monkeypatch.setattr(fuzz.importlib.util, "find_spec", lambda name: None)
    result = fuzz.run_part("guided", 30, seed_=0)
    assert result["outcome"] == "skipped: atheris is not installed"
    assert result["n"] == 0 and not result["traceback"]


def test_a_finding_is_kept_with_its_example(module, monkeypatch):
    fuzz = module("fuzz")

    def broken(n, seed, counter, folder):
        def check(text):
            counter.add("tried")
            assert "x" not in text, "an x"

        fuzz.try_until(n, seed, counter, check, fuzz.st.text("xyz", max_size=9))

    monkeypatch.setitem(fuzz.PARTS, "broken", broken)
    result = fuzz.run_part("broken", 500, seed_=0)
    assert result["outcome"] == "failure, see below"
    assert "an x" in result["traceback"] and "example='x'" in result["traceback"]


def test_fits_and_rows_leave_no_file_open(module, tmp_path, capsys):
    soak = module("soak")
    random, path = np.random.default_rng(1), tmp_path / "model.textcnn"
    before = len(os.listdir("/proc/self/fd"))
    fits, rows = soak.Marks(2), soak.Marks(12_000)
    for number in range(2):
        encoders = soak.fit_once(number, random, path)
        fits.mark(number + 1)
    soak.transform_rows(12_000, encoders, random, path, rows)
    assert [mark["done"] for mark in fits.taken] == [1, 2]
    assert rows.taken[-1]["done"] == 12_000 and rows.taken[-1]["handles"] <= before
    assert "done 2, " in capsys.readouterr().out
    grown = [{"megabytes": 100 + i, "handles": 3, "threads": 1, "done": i} for i in range(40)]
    fits.taken = grown
    assert not fits.is_flat and fits.growth == pytest.approx(139 / 120 - 1)
    fits.taken = [now | {"megabytes": 100} for now in grown]
    assert fits.is_flat and "added +0.0% to memory" in fits.lines("fits")[-1]
