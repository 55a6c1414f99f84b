"""fit-transform, transform and report: files in, files out, one line where something is wrong."""

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from checks import signal_table, tiny

import textcnn
from textcnn import TableFeatures, TextCNNClassifier, TextLinearEncoder
from textcnn.command_line import reading
from textcnn.command_line.main import main

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(60, seed=5)
NEW = signal_table(90, seed=6)[0].assign(id=lambda table: np.arange(len(table)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A saved encoder, and new rows in every format."""
    folder = tmp_path_factory.mktemp("files")
    tiny(cv=2).fit(TABLE, Y).save(folder / "model.textcnn")
    NEW.to_csv(folder / "new.csv", index=False)
    NEW.to_csv(folder / "new.csv.gz", index=False)
    NEW.to_csv(folder / "new.tsv", index=False, sep="\t")
    NEW.to_parquet(folder / "new.parquet")
    NEW.to_json(folder / "new.jsonl", orient="records", lines=True)
    return folder


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(reading, "ROWS_AT_A_TIME", 7)


def expected(folder):
    return textcnn.load(folder / "model.textcnn").transform(NEW[["review"]])[:, 0]


def read(path):
    if ".parquet" in path.name:
        return pd.read_parquet(path)
    if ".jsonl" in path.name:
        return pd.read_json(path, lines=True)
    return pd.read_csv(path, sep="\t" if ".tsv" in path.name else ",")


@pytest.mark.parametrize("source", ["new.csv", "new.csv.gz", "new.tsv", "new.parquet", "new.jsonl"])
@pytest.mark.parametrize("target", ["out.csv", "out.parquet", "out.jsonl.gz"])
def test_every_format_gives_the_features_of_transform(
    folder, tmp_path, source, target, small_chunks, capsys
):
    model, out = str(folder / "model.textcnn"), tmp_path / target
    arguments = ["transform", str(folder / source), "--model", model, "--keep", "id"]
    assert main([*arguments, "--out", str(out)]) == 0
    table = read(out)
    assert table.columns.tolist() == ["id", "review_cnn"]
    assert table["id"].astype(int).tolist() == NEW["id"].tolist()
    np.testing.assert_allclose(table["review_cnn"], expected(folder), atol=1e-6)
    assert capsys.readouterr() == ("", "")  # quiet, because it is not a terminal


def test_fit_transform_saves_what_transform_and_report_read(tmp_path, capsys):
    table = TABLE.assign(
        liked=np.where(Y == 1, "yes", "no"), user=np.arange(60) % 7, when=pd.Timestamp("2024-01-01")
    )
    table["when"] += pd.to_timedelta(np.arange(60), unit="D")
    source, model = tmp_path / "train.csv", tmp_path / "model.textcnn"
    table.to_csv(source, index=False)
    arguments = ["fit-transform", str(source), "--text", "review", "--target", "liked"]
    arguments += ["--folds", "2", "--epochs", "1", "--seed", "3", "--out"]
    first, again = tmp_path / "a.csv", tmp_path / "b.csv"
    groups = ["--group", "user", "--keep", "user"]
    assert main([*arguments, str(first), *groups, "--save", str(model)]) == 0
    assert main([*arguments, str(again), *groups]) == 0
    assert first.read_bytes() == again.read_bytes()
    encoder = textcnn.load(model)
    assert encoder.classes_.tolist() == ["no", "yes"] and encoder.random_state == 3
    features = pd.read_csv(first)
    assert features["user"].tolist() == table["user"].tolist()
    plan = encoder.report_.plan
    assert plan.groups is not None and len(np.unique(plan.groups)) == 7
    record = encoder.report_.columns[0]
    for fold, assignment in enumerate(plan.assignments):
        assert np.corrcoef(features["review_cnn"][assignment.predict],
                           record.predictions[fold][:, 0])[0, 1] > 0.999  # fmt: skip
    capsys.readouterr()
    assert main(["report", str(model)]) == 0
    assert "Verified: 60 predictions" in capsys.readouterr().out
    assert main(["report", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
    in_time = [str(tmp_path / "c.csv"), "--kind", "linear", "--time", "when"]
    arguments[arguments.index("--epochs") : arguments.index("--epochs") + 2] = []
    assert main([*arguments, *in_time]) == 0
    ordered = pd.read_csv(tmp_path / "c.csv")["review_linear"]
    assert ordered[:10].isna().all() and ordered[30:].notna().all()


def test_report_and_transform_of_a_whole_table(tmp_path, capsys):
    table, model = TABLE.assign(price=np.arange(60) + 0.5), str(tmp_path / "model.textcnn")
    features = TableFeatures(("svd", "linear"), cv=2, random_state=0).fit(table, Y)
    features.save(model)
    assert main(["report", model]) == 0
    assert (
        "no model predicted a row that it was trained on (linear of review)"
        in capsys.readouterr().out
    )
    assert main(["report", model, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["verified"] and len(report["members"]) == 2
    assert report["reports"]["review, linear"]["verified"]
    new = NEW[["review"]].assign(price=2.5)
    for source, write in (("new.parquet", new.to_parquet), ("new.csv", new.to_csv)):
        write(tmp_path / source, index=False)
        arguments = ["transform", str(tmp_path / source), "--model", model, "--out"]
        assert main([*arguments, str(tmp_path / "out.parquet")]) == 0
        found = pd.read_parquet(tmp_path / "out.parquet")
        assert list(found) == list(features.get_feature_names_out())
        assert (found.pop("price").astype(float) == 2.5).all()
        expected = features.transform(new).drop(columns="price")
        np.testing.assert_allclose(found.astype(float), expected, atol=1e-6)


def test_numbers_and_images(tmp_path):
    from PIL import Image

    random = np.random.default_rng(0)
    paths = []
    for number in range(12):
        paths.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(random.integers(0, 255, (8, 8), dtype=np.uint8)).save(paths[-1])
    table = pd.DataFrame({"path": paths, "price": random.normal(size=12).round(3)})
    table.to_csv(tmp_path / "train.csv", index=False)
    arguments = ["fit-transform", str(tmp_path / "train.csv"), "--image", "path", "--target"]
    arguments += ["price", "--target-type", "continuous", "--folds", "2", "--epochs", "1"]
    arguments += ["--image-size", "6", "6", "--save"]
    arguments += [str(tmp_path / "m.textcnn"), "--out", str(tmp_path / "f.csv")]
    assert main(arguments) == 0
    loaded = textcnn.load(tmp_path / "m.textcnn")
    assert loaded.target_type_ == "continuous"
    assert pd.read_csv(tmp_path / "f.csv")["path_cnn"].notna().all()
    table.assign(path=paths[:11] + ["nowhere.png"]).to_csv(tmp_path / "new.csv", index=False)
    arguments = ["transform", str(tmp_path / "new.csv"), "--model", str(tmp_path / "m.textcnn")]
    assert main([*arguments, "--out", str(tmp_path / "o.csv")]) == 2
    assert not (tmp_path / "o.csv").exists()


BAD = {
    "missing column": (b"id,revue\n1,a\n", "no column 'review'. Did you mean 'revue'?"),
    "ragged, long": (b"id,review\n1,a\n2,b,c\n", "row 2 of {path!r} (line 3) has 3 cells"),
    "ragged, short": (b"id,review\n1,a\n2\n", "row 2 of {path!r} (line 3) has 1 cells"),
    "encoding": (
        b"id,review\n1,a\n2,caf\xe9\n",
        "row 2, column 'review' of {path!r} is not valid",
    ),
    "quote": (b'id,review\n1,"a"b\n', "row 1 of {path!r} (line 2) cannot be read"),
    "open quote": (b'id,review\n1,"a', "cannot be read: unexpected end of data"),
    "line in a name": (b'"a\nb\x85","\xff"\n1,2\n', r"Its columns: a\nb\udc85, \udcff."),
    "twice": (b"review,review\na,b\n", "two columns named 'review'"),
    "empty": (b"", "is empty"),
    "no rows": (b"id,review\n", "has no rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_one_line_and_no_file(folder, tmp_path, name, capsys):
    content, message = BAD[name]
    path, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    path.write_bytes(content)
    out.write_text("old")
    model = str(folder / "model.textcnn")
    assert main(["transform", str(path), "--model", model, "--out", str(out)]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message.format(path=str(path)) in said
    assert out.read_text() == "old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["bad.csv", "out.csv"]


@pytest.mark.parametrize(
    "content, message",
    [
        (b'{"review": "a"}\n{"review": \n', "line 2 of"),
        (b'["a"]\n', "not a JSON object"),
        (b'{"review": ["a"]}\n', "row 1, column 'review' of"),
        (b'{"revue": "a"}\n', "Did you mean 'revue'?"),
        (b'{"review": "a"}\n\xff\n', "line 2 of"),
    ],
)
def test_bad_json_lines(folder, tmp_path, content, message, capsys):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content)
    assert main(["transform", str(path), "--model", str(folder / "model.textcnn")]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and message in said


def test_other_things_that_go_wrong(folder, tmp_path, capsys):
    new, model = str(folder / "new.csv"), str(folder / "model.textcnn")
    TextCNNClassifier(n_filters=2, kernel_sizes=(2,), epochs=1).fit(TABLE, Y).save(
        tmp_path / "plain.textcnn"
    )
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 no")
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(b"review\na\n" * 1000)[:30])
    for arguments, message in [
        (["transform", str(tmp_path / "no.csv"), "--model", model], "No such file"),
        (["transform", new, "--model", new], "cannot be loaded as an estimator"),
        (["transform", new, "--model", str(tmp_path / "no")], "No such file"),
        (["transform", str(tmp_path / "table.xls"), "--model", model], "unknown file format"),
        (["transform", new, "--model", model, "--out", str(tmp_path / "no/o.csv")],
            "folder does not exist"),
        (["transform", new, "--model", str(tmp_path / "plain.textcnn")], "makes no features"),
        (["transform", str(tmp_path / "bad.parquet"), "--model", model], "cannot read"),
        (["transform", str(tmp_path / "bad.csv.gz"), "--model", model], "cannot read"),
        (["report", str(tmp_path / "plain.textcnn")], "has no report"),
        (["fit-transform", new, "--target", "id"], "--text COLUMN or --image COLUMN"),
        (["fit-transform", new, "--text", "id", "--target", "id"], "the same column"),
        (["fit-transform", new, "--text", "review", "--target", "idd"], "Did you mean 'id'?"),
        (["fit-transform", new, "--text", "review", "--target", "id", "--kind", "linear",
          "--epochs", "2"], "--kind cnn"),
        (["fit-transform", new, "--text", "review", "--target", "id", "--time", "review"],
         "row 1, column 'review' is not a time"),
        (["fit-transform", new, "--text", "review", "--target", "id", "--save",
          str(tmp_path / "no" / "m")], "does not exist"),
    ]:  # fmt: skip
        assert main(arguments) == 2, arguments
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and message in said, (arguments, said)


def test_hostile_cells_are_text(folder, tmp_path):
    cells = ["a\x00b", 'line\nbreak, and "quotes"', "x " * 5_000_000, "", "=1+1", "NA", "你好 🇩🇪"]
    path = tmp_path / "new.csv"
    pd.DataFrame({"review": cells}).to_csv(path, index=False)
    out = tmp_path / "out.jsonl"
    model = str(folder / "model.textcnn")
    assert main(["transform", str(path), "--model", model, "--out", str(out)]) == 0
    features = pd.read_json(out, lines=True)["review_cnn"]
    table = pd.DataFrame({"review": cells})
    np.testing.assert_allclose(
        features, textcnn.load(model).transform(table)[:, 0], atol=1e-6
    )  # fmt: skip


def test_standard_input_and_output_in_a_process(folder):
    command = [sys.executable, "-m", "textcnn", "transform", "-", "--model"]
    done = subprocess.run(
        [*command, folder / "model.textcnn"],
        input=(folder / "new.csv").read_bytes(),
        capture_output=True,
        cwd=REPOSITORY,
        timeout=120,
    )
    assert done.returncode == 0 and not done.stderr
    features = pd.read_csv(io.BytesIO(done.stdout))["review_cnn"]
    np.testing.assert_allclose(features, expected(folder), atol=1e-6)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_transform_leaves_the_old_file(folder, tmp_path, number):
    out = tmp_path / "out.csv"
    out.write_text("old")
    process = subprocess.Popen(
        [sys.executable, "-m", "textcnn", "transform", "-", "--model",
         folder / "model.textcnn", "--out", out],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY,
        # A process that a shell starts in the background ignores SIGINT, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    process.stdin.write(b"review\n" + b"good film\n" * 20_000)
    process.stdin.flush()
    parts: list[Path] = []
    end = time.monotonic() + 100
    while not (parts and parts[0].stat().st_size) and time.monotonic() < end:
        time.sleep(0.05)  # until the first rows are written
        parts = list(tmp_path.glob(".out.csv.*.part"))
    assert parts, "nothing was begun"
    os.kill(process.pid, number)
    said = process.communicate(timeout=60)[1].decode()
    assert process.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}.get(number, -number)
    assert "Traceback" not in said
    assert out.read_text() == "old"
    if number != signal.SIGKILL:
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_terminal_sees_how_far_it_is(folder, monkeypatch, capsys, tmp_path, small_chunks):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    arguments = ["transform", str(folder / "new.csv"), "--model", str(folder / "model.textcnn")]
    assert main([*arguments, "--out", str(tmp_path / "o.csv")]) == 0
    assert "\rtextcnn transform: 90 rows" in capsys.readouterr().err


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_terminal_sees_bars_of_a_fit_and_a_pipe_only_features(
    folder, monkeypatch, capsys, is_terminal
):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    monkeypatch.setenv("TERM", "xterm")
    TABLE.assign(y=Y).to_csv(folder / "fit.csv", index=False)
    arguments = ["fit-transform", str(folder / "fit.csv"), "--text", "review", "--target", "y"]
    assert main([*arguments, "--kind", "linear", "--folds", "2"]) == 0
    said = capsys.readouterr()
    assert ("TextLinearEncoder - fit" in said.err) == is_terminal
    assert is_terminal or not said.err
    features = pd.read_csv(io.StringIO(said.out))
    assert features.columns.tolist() == ["review_linear"] and len(features) == len(TABLE)


def test_a_fit_that_takes_too_long_ends_with_status_3(folder, tmp_path, capsys):
    TABLE.assign(y=Y).to_csv(folder / "fit.csv", index=False)
    arguments = ["fit-transform", str(folder / "fit.csv"), "--text", "review", "--target", "y"]
    arguments += ["--kind", "linear", "--folds", "2", "--out", str(tmp_path / "o.csv")]
    assert main([*arguments, "--time-limit", "0.000001"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("textcnn: --time-limit 1e-06 is too short: ") and said.count("\n") == 1
    assert not list(tmp_path.iterdir())
    assert main([*arguments, "--time-limit", "1000"]) == 0
    for bad in ("0", "-1", "nan", "inf", "soon"):
        with pytest.raises(SystemExit):
            main([*arguments, "--time-limit", bad])


def table_of(n_rows, path):
    """Write rows of 4 kB, of which all but a few characters are blanks."""
    cells = [f"good film {i}".ljust(2000) for i in range(n_rows)]
    table = pd.DataFrame({"review": cells, "note": cells})
    if path.suffix == ".parquet":
        table.to_parquet(path, row_group_size=512)
    elif path.suffix == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False)


def test_memory_does_not_grow_with_the_table(tmp_path):
    TextLinearEncoder(cv=2, random_state=0).fit(TABLE, Y).save(tmp_path / "m.textcnn")
    code = r"""
import re, sys
from pathlib import Path
from textcnn.command_line.main import main
from textcnn.command_line import reading
reading.ROWS_AT_A_TIME = 512
for given in sys.argv[2:]:
    table, out = given.split(">")
    arguments = ["transform", table, "--model", sys.argv[1], "--keep", "note", "--out", out]
    assert main(arguments) == 0
    # Not ru_maxrss, which begins with the most that the process had that started this one.
    print(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])
"""
    ways = {"csv": "jsonl", "jsonl": "parquet", "parquet": "csv"}
    jobs = []
    for n_rows in (1_500, 6_000):  # whatever grows once has grown when the large ones come
        for suffix, to in ways.items():
            table = tmp_path / f"{n_rows}.{suffix}"
            table_of(n_rows, table)
            jobs.append(f"{table}>{tmp_path / f'{n_rows}-{suffix}.{to}'}")
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "m.textcnn", *jobs],
        capture_output=True,
        cwd=REPOSITORY,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    most = [int(line) for line in done.stdout.split()]
    for (suffix, to), larger, before in zip(ways.items(), most[3:], most[2:], strict=False):
        # Kilobytes; either column of the larger table has 9,000 more.
        assert larger < before + 5_000, (suffix, most)
        written = read(tmp_path / f"6000-{suffix}.{to}")
        assert written.shape == (6_000, 2)
        assert written["note"].iloc[-1].rstrip() == "good film 5999"
        assert written["review_linear"].notna().all()


def keep_note(folder, tmp_path, notes, out):
    rows = [
        {"review": text, "note": note} for text, note in zip(NEW["review"], notes, strict=False)
    ]
    table = tmp_path / "notes.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows))
    model = str(folder / "model.textcnn")
    arguments = ["transform", str(table), "--model", model, "--keep", "note", "--out"]
    return main([*arguments, str(tmp_path / out)])


def test_a_column_that_begins_empty_is_text_in_parquet(folder, tmp_path, small_chunks):
    notes = [None] * 7 + ["x"] * 7
    assert keep_note(folder, tmp_path, notes, "out.parquet") == 0
    written = pd.read_parquet(tmp_path / "out.parquet")["note"]
    assert written.isna().tolist() == [True] * 7 + [False] * 7 and written[7] == "x"


@pytest.mark.parametrize("notes", [[1] * 7 + ["x"], ["a", 1]])
def test_cells_of_several_types_are_one_line_and_no_parquet_file(
    folder, tmp_path, small_chunks, notes, capsys
):
    assert keep_note(folder, tmp_path, notes, "out.parquet") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "column 'note' has cells of several types" in said
    assert not (tmp_path / "out.parquet").exists()


def test_missing_numbers_are_null_and_nothing_is_written_twice(folder, tmp_path, capsys):
    assert keep_note(folder, tmp_path, [float("nan"), 2.5], "out.jsonl") == 0
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["note"] for line in lines] == [None, 2.5]
    assert keep_note(folder, tmp_path, [1, 2], "out.parquet.gz") == 2
    assert "already compressed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "column",
    [
        pa.StringArray.from_buffers(2, *pa.array([b"fine", b"b\x89d"]).buffers()[1:]),
        pa.array([5, 10**9], pa.date32()),
    ],
    ids=["not UTF-8", "a day beyond all years"],
)
def test_cells_that_parquet_cannot_mean_are_one_line_with_the_row(
    folder, tmp_path, small_chunks, column, capsys
):
    cells = pa.concat_arrays([column[:1]] * 8 + [column])
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"review": cells}), path)
    arguments = ["transform", str(path), "--model", str(folder / "model.textcnn"), "--out"]
    assert main([*arguments, str(tmp_path / "out.csv")]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if "warning: " not in line]
    assert len(said) == 1 and "row 10, column 'review'" in said[0]
    assert not (tmp_path / "out.csv").exists()
