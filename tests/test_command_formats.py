"""Tables as people have them: separators, quotes, encodings, compression, parts, missing cells."""

import bz2
import gzip
import io
import itertools
import json
import lzma
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from checks import signal_table

import textcnn
from textcnn import TableFeatures, TextLinearEncoder
from textcnn.command_line import csv_rows, reading
from textcnn.command_line.files import TableFormat
from textcnn.command_line.main import main
from textcnn.command_line.reading import read_chunks

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE, Y = signal_table(60, seed=5)
PRESENT = TABLE.assign(review=TABLE["review"].fillna(""), id=[f"{i:03}" for i in range(60)])
LINEAR = ["--kind", "linear", "--folds", "2"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "m.textcnn"
    TextLinearEncoder(cv=2, random_state=0).fit(TABLE, Y).save(path)
    return path


@pytest.fixture(scope="module")
def features(model):
    return textcnn.load(model).transform(PRESENT[["review"]])[:, 0]


def command(*arguments):
    return main([str(argument) for argument in arguments])


def cells_of(path, columns=("id", "review"), **form):
    with read_chunks(str(path), columns, TableFormat(**form)) as chunks:
        found = [list(itertools.chain(*parts)) for parts in _by_column(chunks, columns)]
    return dict(zip(columns, found, strict=True))


def _by_column(chunks, columns):
    read = list(chunks)
    return [[chunk[name] for chunk in read] for name in columns]


def fit(tmp_path, table, *options, target="y", status=0):
    """Fit a linear model on a CSV file of the table; return the saved encoder."""
    table.to_csv(tmp_path / "fit.csv", index=False)
    out, saved = tmp_path / "f.csv", tmp_path / "fit.textcnn"
    arguments = ["fit-transform", tmp_path / "fit.csv", *LINEAR, "--text", "review", "--target"]
    assert command(*arguments, target, *options, "--out", out, "--save", saved) == status
    return textcnn.load(saved) if status == 0 else None


FORMS = {
    "semicolons": ({"sep": ";"}, []),
    "semicolons, named": ({"sep": ";"}, ["--sep", ";"]),
    "tabs in .csv": ({"sep": "\t"}, []),
    "bars": ({"sep": "|"}, []),
    "tildes": ({"sep": "~"}, ["--sep", "~"]),
    "UTF-16": ({"encoding": "utf-16"}, []),
    "UTF-16, without a mark": ({"encoding": "utf-16-le"}, ["--encoding", "utf-16-le"]),
    "UTF-8 with a mark": ({"encoding": "utf-8-sig", "sep": ";"}, []),
    "UTF-32": ({"encoding": "utf-32"}, []),
    "code page": ({"encoding": "cp1252"}, ["--encoding", "cp1252"]),
    "all quoted": ({"quoting": 1}, []),
    "line ends": ({"lineterminator": "\r\n"}, []),
}


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_csv(name, model, features, tmp_path):
    written, options = FORMS[name]
    table = PRESENT.rename(columns={"id": "größe"})
    table.to_csv(tmp_path / "t.csv", index=False, **written)
    arguments = ["transform", tmp_path / "t.csv", "--model", model, "--keep", "größe", *options]
    assert command(*arguments, "--out", tmp_path / "o.parquet") == 0
    found = pd.read_parquet(tmp_path / "o.parquet")
    assert found["größe"].tolist() == PRESENT["id"].tolist()
    np.testing.assert_allclose(found["review_linear"], features, atol=1e-6)


def test_named_forms_are_those_of_the_output_too(model, features, tmp_path):
    form = {"sep": ";", "decimal": ",", "encoding": "utf-16"}
    PRESENT.to_csv(tmp_path / "t.csv", index=False, **form)
    options = ["--sep", ";", "--decimal", ",", "--encoding", "utf-16"]
    arguments = ["transform", tmp_path / "t.csv", "--model", model, "--keep", "id", *options]
    assert command(*arguments, "--out", tmp_path / "o.csv") == 0
    found = pd.read_csv(tmp_path / "o.csv", dtype={"id": str}, **form)
    assert found["id"].tolist() == PRESENT["id"].tolist()
    np.testing.assert_allclose(found["review_linear"], features, atol=1e-6)


def test_the_first_line_of_excel_names_the_separator(tmp_path):
    (tmp_path / "t.csv").write_text("sep=;\nid;review\n1;a, b\n")
    assert cells_of(tmp_path / "t.csv") == {"id": ["1"], "review": ["a, b"]}


def test_commas_at_the_ends_of_lines(tmp_path):
    for name, text in {"all": "id,review,,\n1,a,,\n", "rows": "id,review\n1,a,,\n2,b\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
        assert cells_of(tmp_path / f"{name}.csv")["review"] == ["a", "b"][: text.count("\n") - 1]
    (tmp_path / "t.csv").write_text("id,id,review\n1,2,a\n")
    assert cells_of(tmp_path / "t.csv", ["review"]) == {"review": ["a"]}


COMPRESSED = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda content: pa.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("way", [*COMPRESSED, "zip", "plain"])
def test_compression_is_known_by_content(way, tmp_path):
    content = PRESENT.to_csv(index=False).encode()
    path = tmp_path / "t.csv.gz"  # whatever its name says
    if way == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("t.csv", content)
    else:
        path.write_bytes(COMPRESSED.get(way, bytes)(content))
    assert cells_of(path)["review"] == PRESENT["review"].tolist()


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz", ".zst"])
def test_output_is_compressed_by_name(suffix, model, features, tmp_path):
    PRESENT.to_csv(tmp_path / "t.csv", index=False)
    out = tmp_path / f"o.jsonl{suffix}"
    assert command("transform", tmp_path / "t.csv", "--model", model, "--out", out) == 0
    assert out.read_bytes()[:1] != b"{"
    found = cells_of(out, ["review_linear"])["review_linear"]
    np.testing.assert_allclose(found, features, atol=1e-6)


def test_archives_that_are_no_table_are_one_line(model, tmp_path, capsys):
    for names, message in [
        (["a.csv", "b.csv"], "contains 2 files"),
        (["[Content_Types].xml", "xl/workbook.xml"], "is an Excel file"),
    ]:
        with zipfile.ZipFile(tmp_path / "t.csv", "w") as archive:
            for name in names:
                archive.writestr(name, "id,review\n1,a\n")
        assert command("transform", tmp_path / "t.csv", "--model", model) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and message in said


def test_a_folder_of_parts_is_one_table(model, features, tmp_path):
    folder = tmp_path / "parts"
    for year in ("2023", "0024"):
        (folder / f"year={year}").mkdir(parents=True)
    PRESENT[:20].to_parquet(folder / "year=0024" / "part-0.parquet")
    PRESENT[20:40][["id", "review"]].to_csv(folder / "year=2023" / "part-1.csv.gz", index=False)
    PRESENT[40:].to_json(folder / "year=2023" / "part-2.jsonl", orient="records", lines=True)
    (folder / "year=2023" / "part-9.csv").touch()  # of no rows
    (folder / "_SUCCESS").touch()
    (folder / "year=2023" / ".part-1.csv.crc").write_bytes(b"crc")
    arguments = ["transform", folder, "--model", model, "--keep", "id", "--keep", "year"]
    assert command(*arguments, "--out", tmp_path / "o.parquet") == 0
    found = pd.read_parquet(tmp_path / "o.parquet")
    assert found["id"].tolist() == PRESENT["id"].tolist()
    assert found["year"].tolist() == ["0024"] * 20 + ["2023"] * 40  # text, as in the names
    np.testing.assert_allclose(found["review_linear"], features, atol=1e-6)


def parts_in(folder):
    """Write a table as a folder of parts in several formats; return its frame."""
    (folder / "year=2024").mkdir(parents=True)
    table = PRESENT.assign(y=np.where(Y, "yes", "no"))
    table[:20].to_csv(folder / "0.csv.gz", index=False)
    table[20:25].to_parquet(folder / "1.parquet")
    table[25:].to_json(folder / "year=2024" / "2.jsonl", orient="records", lines=True)
    return table


@pytest.mark.parametrize("made", ["a/", "a", "new/"])
def test_a_folder_has_a_part_for_each_part(made, model, features, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "ROWS_AT_A_TIME", 7)
    parts_in(tmp_path / "parts")
    (tmp_path / "a").mkdir()
    out = tmp_path / made
    arguments = ["transform", tmp_path / "parts", "--model", model, "--keep", "id", "--out"]
    assert command(*arguments, f"{out}/" if made.endswith("/") else out) == 0
    names = sorted(str(file.relative_to(out)) for file in out.rglob("*") if file.is_file())
    assert names == ["0.csv.gz", "1.parquet", "year=2024/2.jsonl"]
    read = [
        pd.read_csv(out / names[0], dtype={"id": str}),
        pd.read_parquet(out / names[1]),
        pd.read_json(out / names[2], lines=True, dtype={"id": str}),
    ]
    assert [len(part) for part in read] == [20, 5, 35]
    found = pd.concat(read)
    assert found["id"].tolist() == PRESENT["id"].tolist()
    np.testing.assert_allclose(found["review_linear"], features, atol=1e-6)
    assert not list(tmp_path.glob(".*")), "the temporary folder is gone"


def test_features_of_training_rows_in_parts(tmp_path):
    table = parts_in(tmp_path / "parts")
    arguments = ["fit-transform", tmp_path / "parts", *LINEAR, "--text", "review", "--target", "y"]
    assert command(*arguments, "--out", f"{tmp_path}/o/", "--out-format", "csv") == 0
    read = [pd.read_csv(tmp_path / "o" / name) for name in ("0.csv", "1.csv", "year=2024/2.csv")]
    assert [len(part) for part in read] == [20, 5, 35]
    encoder = TextLinearEncoder(cv=2, random_state=0)
    expected = encoder.fit_transform(table[["review"]], table["y"])
    np.testing.assert_allclose(pd.concat(read), expected, atol=1e-6)


def test_folders_that_cannot_be_written_are_one_line(model, tmp_path, capsys):
    parts_in(tmp_path / "parts")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "old.csv").write_text("a\n1\n")
    (tmp_path / "parts" / "0.jsonl").write_text('{"review": "good"}\n')
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.csv").write_text("review\ngood\n")
    (tmp_path / "bad" / "b.csv").write_text("text\ngood\n")
    for source, out, message in [
        ("parts", "full/", "is not empty; expected a new or an empty folder"),
        ("parts", "parts/new/", "is in the folder that is read"),
        ("parts", "no/such/", "cannot write"),
        ("-", "new/", "needs a file or a folder to read"),
        ("bad", "new/", "has no column 'review'"),
    ]:
        given = source if source == "-" else tmp_path / source
        assert command("transform", given, "--model", model, "--out", f"{tmp_path}/{out}") == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and message in said, said
    options = ["--model", model, "--out", f"{tmp_path}/new/", "--out-format", "csv"]
    assert command("transform", tmp_path / "parts", *options) == 2
    assert "two parts of" in capsys.readouterr().err
    fit = ["fit-transform", tmp_path / "parts", *LINEAR, "--text", "review", "--target", "y"]
    (tmp_path / "empty").mkdir()
    saved = tmp_path / "empty" / "m.textcnn"
    assert command(*fit, "--out", tmp_path / "empty", "--save", saved) == 2
    assert "--save" in (said := capsys.readouterr().err) and "is in the folder of --out" in said
    assert sorted(os.listdir(tmp_path)) == ["bad", "empty", "full", "parts"]
    assert os.listdir(tmp_path / "full") == ["old.csv"] and not os.listdir(tmp_path / "empty")


QUOTED = [
    "a film",
    '"Great film',
    "bad",
    'they said "good"',
    'so bad"',
    '"So" good',
    '"all"',
    "end",
]


@pytest.mark.parametrize("options", [[], ["--quoting", "none"]])
def test_a_quote_in_tsv_swallows_no_rows(options, model, tmp_path, capsys):
    rows = "".join(f"{text}\t{i}\n" for i, text in enumerate(QUOTED))
    (tmp_path / "t.tsv").write_text(f"review\tid\n{rows}")
    arguments = ["transform", tmp_path / "t.tsv", "--model", model, "--keep", "review", *options]
    assert command(*arguments, "--keep", "id", "--out", tmp_path / "o.jsonl") == 0
    found = pd.read_json(tmp_path / "o.jsonl", lines=True, dtype=False)
    assert found["id"].tolist() == list("01234567")
    expected = [text if options or text != '"all"' else "all" for text in QUOTED]
    assert found["review"].tolist() == expected
    assert not capsys.readouterr().err


def test_an_open_quote_in_tsv_is_a_part_of_the_text(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_rows, "_MOST_QUOTED_LINES", 3)
    rows = [f"text {i}" for i in range(9)]
    rows[4] = '"text 4'
    (tmp_path / "t.tsv").write_text("id\treview\n" + "".join(f"1\t{row}\n\n" for row in rows))
    assert cells_of(tmp_path / "t.tsv")["review"] == rows


def test_tsv_as_pandas_writes_it_keeps_tabs_quotes_and_lines(tmp_path):
    texts = ['say "hi"', "two\nlines", "a\ttab", '"', "plain", "three\nlines\n\there"]
    table = pd.DataFrame({"id": list("123456"), "review": texts})
    for columns in (["id", "review"], ["review", "id"]):
        table[columns].to_csv(tmp_path / "t.tsv", sep="\t", index=False)
        assert cells_of(tmp_path / "t.tsv")["review"] == texts


def test_a_quote_that_encloses_rows_of_csv_is_warned_of(model, tmp_path, capsys):
    (tmp_path / "t.csv").write_text('id,review,y\n1,"Great,1\n2,bad,0\n3,fine",1\n4,"a\nb",1\n')
    arguments = ["transform", tmp_path / "t.csv", "--model", model, "--keep", "id", "--out"]
    assert command(*arguments, tmp_path / "o.csv") == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "lines 2 to 4 of" in said and "--quoting none" in said
    assert command(*arguments, tmp_path / "o.csv", "--quoting", "minimal") == 0
    assert not capsys.readouterr().err
    (tmp_path / "t.tsv").write_text('review\n"Great\nbad\nfine"\n')
    arguments[1], arguments[5] = tmp_path / "t.tsv", "review"
    assert command(*arguments, tmp_path / "o.csv") == 0
    assert "lines 2 to 4 of" in capsys.readouterr().err
    arguments[1], arguments[5] = tmp_path / "t.csv", "id"
    (tmp_path / "t.csv").write_text('id,review\n1,"Great\n2,bad\n3,fine"\n')
    assert command(*arguments, tmp_path / "o.csv", "--quoting", "none") == 0
    assert pd.read_csv(tmp_path / "o.csv")["id"].tolist() == [1, 2, 3]


def test_kept_cells_are_written_as_they_were_read(model, tmp_path):
    """Whatever is in them, through every format."""
    ids = ["01", "1", "1.0", "NA", "", "1e3", "a\rb", 'x"y', "l\nm", " s ", "١", "007", "None"]
    table = pd.DataFrame({"review": ["good film"] * len(ids), "id": ids})
    table.to_csv(tmp_path / "0.csv", index=False, lineterminator="\r\n")
    for step, name in enumerate(["1.tsv", "2.jsonl", "3.parquet", "4.csv"]):
        [source] = tmp_path.glob(f"{step}.*")
        arguments = ["transform", source, "--model", model, "--keep", "id", "--keep", "review"]
        out = tmp_path / name
        if step:
            with read_chunks(str(source), ["id", "review"]) as chunks:
                read = {key: [c for chunk in chunks for c in chunk[key]] for key in ("id",)}
            assert [cell or "" for cell in read["id"]] == ids, source.name
        assert command(*arguments, "--out", out) == 0
    assert cells_of(out, ["id"])["id"] == ids


def test_classes_are_text_and_missing_cells_are_named(tmp_path):
    classes = np.resize(["01", "1", "NA", "x", ""], 60)
    assert fit(tmp_path, TABLE.assign(y=classes)).classes_.tolist() == ["01", "1", "x"]
    encoder = fit(tmp_path, TABLE.assign(y=classes), "--na", "x")
    assert encoder.classes_.tolist() == ["01", "1", "NA"]
    encoder = fit(tmp_path, TABLE.assign(y=np.resize(["1", "0", "1.0"], 60)), "--na", "1.0")
    assert encoder.classes_.tolist() == ["0", "1"]


def test_json_and_parquet_have_the_same_missing_cells(tmp_path):
    table = TABLE.assign(y=np.resize(["yes", "no", "NA", None], 60))
    for name, write in {"t.parquet": table.to_parquet, "t.jsonl": None}.items():
        if write is None:
            table.to_json(tmp_path / name, orient="records", lines=True)
        else:
            write(tmp_path / name)
        arguments = ["fit-transform", tmp_path / name, *LINEAR, "--text", "review", "--target"]
        assert command(*arguments, "y", "--out", tmp_path / "o.csv", "--save", tmp_path / "m") == 0
        assert textcnn.load(tmp_path / "m").classes_.tolist() == ["no", "yes"]


def test_numbers_are_the_target_of_a_declared_regression_alone(tmp_path, capsys):
    random = np.random.default_rng(0)
    prices = random.normal(size=60).round(2)
    table = TABLE.assign(y=[str(price).replace(".", ",") for price in prices])
    encoder = fit(tmp_path, table, "--target-type", "continuous", "--decimal", ",")
    assert encoder.target_type_ == "continuous"
    expected = TextLinearEncoder(cv=2, random_state=0).fit_transform(TABLE, prices)
    found = pd.read_csv(tmp_path / "f.csv", sep=";", decimal=",")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    fit(tmp_path, table, "--target-type", "continuous", status=2)
    said = capsys.readouterr().err
    assert "row 1, column 'y' is not a number" in said and "Type --decimal ," in said
    fit(tmp_path, TABLE.assign(y=prices), status=2)
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "--target-type continuous" in said
    encoder = fit(tmp_path, TABLE.assign(y=np.arange(60) % 4 + 1))
    assert encoder.classes_.tolist() == ["1", "2", "3", "4"]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "each number of the target is a class" in said
    fit(tmp_path, TABLE.assign(y=np.arange(60) % 4 + 1), "--target-type", "multiclass")
    assert not capsys.readouterr().err


def test_groups_are_text(tmp_path, capsys):
    table = TABLE.assign(y=Y, user=np.resize(["1", "01", "1.0", "a"], 60))
    encoder = fit(tmp_path, table, "--group", "user")
    assert len(np.unique(encoder.report_.plan.groups)) == 4
    fit(tmp_path, table, "--group", "user", "--na", "a", status=2)
    assert "row 4 has no group in column 'user'" in capsys.readouterr().err
    fit(tmp_path, table.assign(user=["NA", *table["user"][1:]]), "--group", "user", status=2)
    assert "row 1 has no group in column 'user'" in capsys.readouterr().err
    large = np.resize([2**53, 2**53 + 1, 2**53 + 2], 60)  # the first two are one float
    table.assign(user=large).to_parquet(tmp_path / "t.parquet")
    arguments = ["fit-transform", tmp_path / "t.parquet", *LINEAR, "--text", "review", "--target"]
    arguments += ["y", "--group", "user", "--out", tmp_path / "o.csv", "--save", tmp_path / "m"]
    assert command(*arguments) == 0
    assert len(np.unique(textcnn.load(tmp_path / "m").report_.plan.groups)) == 3


def test_keys_that_the_first_rows_of_json_lack(model, tmp_path, capsys):
    rows = [{"id": 1}, {"id": 2, "review": "good film"}, {"review": None, "id": 3}]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["transform", path, "--model", model, "--keep", "id", "--out", tmp_path / "o.csv"]
    assert command(*arguments) == 0
    found = pd.read_csv(tmp_path / "o.csv")
    table = pd.DataFrame({"review": [None, "good film", None]})
    expected = textcnn.load(model).transform(table)[:, 0]
    np.testing.assert_allclose(found["review_linear"], expected, atol=1e-6)
    path.write_text("".join(json.dumps(row).replace("review", "revue") + "\n" for row in rows))
    assert command(*arguments) == 2
    assert "no column 'review'. Did you mean 'revue'?" in capsys.readouterr().err


def test_a_run_writes_no_file_that_it_reads(model, tmp_path, capsys):
    source, vectors = tmp_path / "t.csv", tmp_path / "v.txt"
    PRESENT.assign(y=Y).to_csv(source, index=False)
    vectors.write_text("good 1 2\nbad 2 1\n")
    copy = tmp_path / "m.textcnn"
    copy.write_bytes(model.read_bytes())
    (tmp_path / "link.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "1.csv").write_bytes(source.read_bytes())
    image = tmp_path / "1.png"
    image.write_bytes(b"image")
    pd.DataFrame({"image": [str(image)] * 9, "y": range(9)}).to_csv(tmp_path / "i.csv")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    fits = ["fit-transform", source, "--text", "review", "--target", "y"]
    images = ["fit-transform", tmp_path / "i.csv", "--image", "image", "--target", "y"]
    for arguments in [
        ["transform", source, "--model", copy, "--out", source],
        ["transform", source, "--model", copy, "--out", copy],
        ["transform", source, "--model", copy, "--out", tmp_path / "link.csv"],
        ["transform", tmp_path / "link.csv", "--model", copy, "--out", tmp_path / "hard.csv"],
        ["transform", folder, "--model", copy, "--out", folder / "1.csv"],
        ["transform", folder, "--model", copy, "--out", folder / "new.csv"],
        [*fits, "--save", source],
        [*fits, "--vectors", vectors, "--out", vectors],
        [*fits, "--out", tmp_path / "new", "--save", tmp_path / "." / "new"],
        [*images, "--out", image],
        [*images, "--target-type", "multiclass", "--save", image],
    ]:
        assert command(*arguments) == 2, arguments
        said = capsys.readouterr()
        assert said.err.count("\n") == 1 and not said.out, said
        assert "Choose another" in said.err or "name the same file" in said.err, said
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_redirected_files_are_read_files_too(model, tmp_path):
    source = tmp_path / "t.csv"
    PRESENT.to_csv(source, index=False)
    before = source.read_bytes()
    run = [sys.executable, "-m", "textcnn", "transform", "--model", model]
    with open(source, "rb") as given, open(source, "ab") as appended:
        for arguments, streams in [
            ([source], {"stdout": appended}),
            (["-", "--out", source], {"stdin": given}),
        ]:
            done = subprocess.run(
                [*run, *arguments], stderr=subprocess.PIPE, cwd=REPOSITORY, timeout=120, **streams
            )
            assert done.returncode == 2 and b"Choose another name" in done.stderr, done.stderr
            assert source.read_bytes() == before


def test_devices_stay_devices(model, tmp_path):
    PRESENT.to_csv(tmp_path / "t.csv", index=False)
    os.mkfifo(tmp_path / "pipe.csv")
    reader = os.open(tmp_path / "pipe.csv", os.O_RDONLY | os.O_NONBLOCK)
    arguments = ["transform", tmp_path / "t.csv", "--model", model, "--out", tmp_path / "pipe.csv"]
    assert command(*arguments) == 0
    assert os.read(reader, 100).startswith(b"review_linear\n")
    os.close(reader)
    assert (tmp_path / "pipe.csv").is_fifo()


def test_a_kept_column_with_the_name_of_a_feature_is_refused_before_the_fit(tmp_path, capsys):
    for name in ("review_linear", "review_linear_b"):
        table = TABLE.assign(y=np.resize(list("abc"), 60)).assign(**{name: 1})
        fit(tmp_path, table, "--keep", name, "--jobs", "-77", status=2)
        assert f"the same name as a feature: {name!r}" in capsys.readouterr().err


def test_any_encoding_of_a_pipe_shows_the_report(tmp_path):
    encoder = TextLinearEncoder(cv=2, random_state=0)
    encoder.fit(TABLE.rename(columns={"review": "отзыв"}), Y).save(tmp_path / "m.textcnn")
    for arguments, stream, words in [
        (["report", tmp_path / "m.textcnn"], "stdout", rb"\u043e\u0442\u0437\u044b\u0432"),
        (["transform", "нет.csv", "--model", tmp_path / "m.textcnn"], "stderr", rb"\u043d"),
        (["report", tmp_path / "m.textcnn", "--json"], "stdout", b'"verified": true'),
    ]:
        done = subprocess.run(
            [sys.executable, "-m", "textcnn", *arguments],
            env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
            capture_output=True,
            cwd=REPOSITORY,
            timeout=120,
        )
        assert b"Traceback" not in done.stderr and words in getattr(done, stream)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_whole_table(suffix, tmp_path, capsys):
    table = TABLE.assign(title=TABLE["review"], shop=np.resize(["a7", "b7"], 60), secret=Y, liked=Y)
    table["user"] = [f"{number:03}" for number in range(60)]
    source, out, saved = (tmp_path / name for name in (f"t.{suffix}", "o.csv", "m.textcnn"))
    table.to_csv(source) if suffix == "csv" else table.to_parquet(source)
    arguments = ["fit-transform", source, "--kind", "table", "--members", "svd,linear"]
    arguments += ["--target", "liked", "--keep", "user", "--drop", "secret", "--folds", "2"]
    arguments += ["--text", "review", "--text", "title", "--keep", "title"]
    assert command(*arguments, "--out", out, "--save", saved) == 0
    said = capsys.readouterr().err
    assert ("column 'Unnamed: 0' numbers the rows and is left out" in said) == (suffix == "csv")
    encoder = textcnn.load(saved)
    assert isinstance(encoder, TableFeatures) and encoder.members == ("svd", "linear")
    assert encoder.text_columns_ == ["review", "title"]
    assert encoder.feature_names_in_.tolist() == ["review", "title", "shop"]
    found = pd.read_csv(out, dtype=str)
    names = encoder.get_feature_names_out().tolist()
    assert found.columns.tolist() == ["user", "title", *names]
    assert {"review_linear", "title_linear"} <= set(names)
    new = tmp_path / f"new.{suffix}"
    unseen = table.drop(columns=["secret", "liked"])
    unseen.to_csv(new, index=False) if suffix == "csv" else unseen.to_parquet(new)
    assert command("transform", new, "--model", saved, "--keep", "user", "--out", out) == 0
    transformed = pd.read_csv(out, dtype=str)
    assert transformed.columns.tolist() == ["user", *names]
    assert found["user"].tolist() == transformed["user"].tolist() == table["user"].tolist()
    capsys.readouterr()
    for options, message in [
        (["--epochs", "2"], "do not act on --kind table"),
        (["--drop", "liked"], "--drop names a column that another option names, 'liked'"),
        (["--members", "linear,foo"], "foo"),
        (["--kind", "linear"], "--members and --drop need --kind table"),
    ]:
        assert command(*arguments, "--out", out, *options) == 2
        assert message in capsys.readouterr().err


def test_columns_that_a_table_passes_through_are_written_as_they_were_read(tmp_path):
    seen = []

    class Passing(TableFeatures):
        def fit_transform(self, X, y):
            seen.append(X)
            self.names = list(X)
            return X.assign(review=0.5)

        def get_feature_names_out(self):
            return self.names

    prices = [f"{i},50" if i % 7 else "NA" for i in range(60)]
    table = PRESENT.assign(price=prices, y=Y)
    table.to_csv(tmp_path / "t.csv", index=False, sep=";")
    arguments = ["fit-transform", tmp_path / "t.csv", "--kind", "table", "--target", "y"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(vars(textcnn), "TableFeatures", Passing)
        assert command(*arguments, "--decimal", ",", "--out", tmp_path / "o.csv") == 0
    [X] = seen
    assert X["price"].tolist()[1:3] == ["1.50", "2.50"] and X["price"].isna()[0]
    found = pd.read_csv(tmp_path / "o.csv", sep=";", dtype=str, keep_default_na=False)
    assert found["price"].tolist() == prices and found["id"].tolist() == PRESENT["id"].tolist()
    assert (found["review"] == "0,5").all()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--sep", ";;", "expected one character"),
        ("--sep", '"', "expected one character"),
        ("--encoding", "utf-99", "unknown encoding"),
        ("--encoding", "base64", "unknown encoding"),
        ("--quoting", "all", "invalid choice"),
        ("--decimal", ";", "invalid choice"),
    ],
)
def test_all_commands_have_the_same_options(option, value, message, capsys):
    for arguments in [
        ["demo", "--csv", "t.csv"],
        ["fit-transform", "t.csv", "--target", "y"],
        ["transform", "t.csv", "--model", "m"],
    ]:
        with pytest.raises(SystemExit) as stopped:
            main([*arguments, option, value])
        assert stopped.value.code == 2 and message in capsys.readouterr().err


def test_what_cannot_be_written_is_one_line(model, tmp_path, capsys):
    table = pd.DataFrame({"review": ["good", "bad"], "note": ["a;b", "отзыв"], "x": [np.inf, 1.0]})
    table.to_parquet(tmp_path / "t.parquet")
    arguments = ["transform", tmp_path / "t.parquet", "--model", model, "--keep"]
    for options, message in [
        (["note", "--out", "o.csv", "--encoding", "cp1252"], "cannot write"),
        (["note", "--out", "o.csv", "--sep", ";", "--quoting", "none"], "need to escape"),
        (["x", "--out", "o.jsonl"], "JSON has no infinite numbers"),
        (["note", "--out", "o.csv.zip"], "expected .gz"),
    ]:
        options = [tmp_path / option if option.startswith("o.") else option for option in options]
        assert command(*arguments, *options) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and message in said, said
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]


def test_bytes_that_are_no_text_name_the_encoding(model, tmp_path, capsys):
    for content, options, message in [
        ("id,review\n1,é\n".encode("cp1252"), [], "--encoding cp1252"),
        ("id,review\n1,a".encode("utf-16") + b"a", ["--encoding", "utf-8"], "utf-16"),
    ]:
        (tmp_path / "t.csv").write_bytes(content)
        assert command("transform", tmp_path / "t.csv", "--model", model, *options) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and message in said


def test_standard_input_is_decompressed(model, features):
    done = subprocess.run(
        [sys.executable, "-m", "textcnn", "transform", "-", "--model", model],
        input=gzip.compress(PRESENT.to_csv(index=False).encode("utf-16")),
        capture_output=True,
        cwd=REPOSITORY,
        timeout=120,
    )
    assert done.returncode == 0 and not done.stderr
    found = pd.read_csv(io.BytesIO(done.stdout))["review_linear"]
    np.testing.assert_allclose(found, features, atol=1e-6)
