"""Word vectors by the names of gensim's data sets: where gensim keeps or downloads them."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

from textcnn.text.vector_files import ACCEPTED

_DATA_SET_NAME = re.compile(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)+")
# Word vectors that gensim can download, for a helpful error without a network.
_DATA_SETS = (
    "conceptnet-numberbatch-17-06-300",
    "fasttext-wiki-news-subwords-300",
    "glove-twitter-25",
    "glove-twitter-50",
    "glove-twitter-100",
    "glove-twitter-200",
    "glove-wiki-gigaword-50",
    "glove-wiki-gigaword-100",
    "glove-wiki-gigaword-200",
    "glove-wiki-gigaword-300",
    "word2vec-google-news-300",
    "word2vec-ruscorpora-300",
)


def data_set_folder(source: str | Path) -> Path | None:
    """Return the folder of a gensim-data set (it may not exist), or None for other names."""
    if not isinstance(source, str) or not re.fullmatch(r"[A-Za-z0-9_-]+", source):
        return None
    import gensim.downloader

    folder = Path(gensim.downloader.BASE_DIR) / source
    return folder if folder.is_dir() or _DATA_SET_NAME.fullmatch(source) else None


def data_set_file(name: str, folder: Path) -> Path:
    """Return the data file of a gensim-data set; download it if there is no folder."""
    import gensim.downloader

    if not folder.is_dir():
        try:
            return Path(gensim.downloader.load(name, return_path=True))
        except Exception as error:  # gensim raises bare Exception for wrong checksums
            if name not in _DATA_SETS:
                raise ValueError(
                    f"There is no vectors file {str(Path(name).absolute())!r}, and no gensim-data "
                    f"set of word vectors has the name {name!r}. {_nearest(name)}Expected "
                    f"one of {', '.join(_DATA_SETS)}; or the path of {ACCEPTED}."
                ) from error
            raise ValueError(
                f"There is no vectors file or local gensim-data set {name!r}, and gensim "
                f"could not download it ({type(error).__name__}: {error}). Expected a name that "
                "`gensim.downloader.info(name_only=True)` lists and a network connection, the "
                f"folder {str(folder)!r}, or the path of {ACCEPTED}."
            ) from error
    stated = _stated_file_name(name, folder.parent / "information.json")
    if stated is not None and (folder / stated).is_file():
        return folder / stated
    found = sorted(folder.glob("*.gz"))
    if len(found) == 1:
        return found[0]
    raise ValueError(
        f"The file of vectors in the gensim-data folder {str(folder)!r} is unknown. "
        f"Expected {stated or 'one .gz file'!r} in it. Received: "
        f"{sorted(entry.name for entry in folder.iterdir())}. Pass the path of the file."
    )


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _DATA_SETS, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _stated_file_name(name: str, information: Path) -> str | None:
    """Return the file name from gensim's list of data sets, or None."""
    if not information.is_file():
        return None
    try:
        listed = json.loads(information.read_text(encoding="utf-8"))
        corpora, models = listed.get("corpora", {}), listed.get("models", {})
        entry = models.get(name, {})
        stated = entry.get("file_name")
    except (ValueError, AttributeError) as error:
        raise ValueError(
            f"gensim's list of data sets cannot be read: {str(information)!r} ({error}). Expected "
            'JSON with "models" and "corpora". Remove the file; gensim downloads it again.'
        ) from error
    if name in corpora:
        raise ValueError(
            f"The gensim-data set {name!r} contains texts, not word vectors. Expected one of "
            f"{', '.join(sorted(models)) or 'those of models'}."
        )
    is_plain = isinstance(stated, str) and stated == Path(stated).name and stated != ".."
    if stated is not None and not is_plain:
        raise ValueError(
            f"gensim's list of data sets names a file outside the folder of {name!r}. Expected a "
            f"plain file name in {str(information)!r}. Received: file_name={stated!r}."
        )
    return stated
