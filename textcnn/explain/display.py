"""Show explanations as text, and as HTML with coloured words."""

from __future__ import annotations

import html

import numpy as np

# Blue and orange differ for colour-blind readers; the underline differs in black and white.
_FOR, _AGAINST = (59, 110, 168), (210, 105, 30)
_STRONGEST_SHADE = 0.75
# Words below this share of the strongest contribution are not coloured.
_FAINT = 0.06
_MOST_UNREAD = 200
# Rounded to three decimals it is not zero.
_SMALLEST_SHOWN = 0.0005


def as_text(explanation, n_rows: int, n_ngrams: int, output: str | None) -> str:
    """Return headline and the strongest n-grams of the first rows."""
    lines = [_headline(explanation)]
    for row, number in _chosen(explanation, n_rows, output):
        lines += ["", _row_line(explanation, row, number)]
        shown = _strongest(row, number, n_ngrams)
        for text, place in shown:
            column = f"  [{text.column}]" if len(row.texts) > 1 else ""
            value = text.contributions[place, number]
            lines.append(f"  {value:+.3f}  {_ngram(text, place)}{column}")
        lines += [f"  {value:+.3f}  ({name})" for name, value in _rest(row, number, shown)]
    return "\n".join([*lines, *_more(explanation, n_rows)])


def as_html(explanation, n_rows: int, n_ngrams: int, output: str | None) -> str:
    """Return the same as HTML, with the texts; texts are escaped."""
    chosen = list(_chosen(explanation, n_rows, output))
    strongest = max(
        (
            float(np.abs(text.word_contributions[:, number]).max(initial=0))
            for row, number in chosen
            for text in row.texts
        ),
        default=0.0,
    )
    blocks = [
        f'<div><p style="margin:0 0 .6em"><b>{_escaped(_headline(explanation))}</b><br>'
        f"Colours: {_sample(_FOR, 'raises')} or {_sample(_AGAINST, 'lowers')} the output.</p>"
    ]
    for row, number in chosen:
        head = _escaped(_row_line(explanation, row, number))
        texts = "".join(_html_text(row, text, number, strongest) for text in row.texts)
        chosen_ngrams = _strongest(row, number, n_ngrams)
        items = " · ".join(
            [
                f"<bdi>{_escaped(_ngram(text, place))}</bdi>&nbsp;"
                f"{text.contributions[place, number]:+.2f}"
                for text, place in chosen_ngrams
            ]
            + [f"{name}&nbsp;{value:+.2f}" for name, value in _rest(row, number, chosen_ngrams)]
        )
        blocks.append(
            '<div style="margin:0 0 1em;padding-left:.7em;border-left:3px solid #ccc">'
            f'<div style="font-size:90%;opacity:.8">{head}</div>'
            f"{texts}"
            f'<div style="font-size:85%;opacity:.8">{items or "no n-gram contributes"}</div>'
            "</div>"
        )
    more = "".join(f"<p>{_escaped(line)}</p>" for line in _more(explanation, n_rows))
    return "".join([*blocks, more, "</div>"])


def _headline(explanation) -> str:
    how = {
        "exact": "contributions add up to the output",
        "slopes": "integrated gradients, which add up approximately",
    }[explanation.method]
    return f"Contributions of n-grams to the output, in {explanation.units} ({how})"


def _row_line(explanation, row, number: int) -> str:
    said = (
        f"row {explanation.name_of(row)}, {_one_line(row.outputs[number])}: "
        f"{row.value[number]:+.3f} = {row.base[number]:+.3f} without words "
        f"{_signed(row.value[number] - row.base[number])}"
    )
    if row.predictions is not None:
        said += f"; {explanation.predicts} {row.predictions[number]:.4g}"
    if row.label is not None:
        said += f", predicted: {_one_line(str(row.label))}"
    return said


def _rest(row, number: int, shown) -> list[tuple[str, float]]:
    """Return what the shown n-grams leave of the output: other n-grams, and what is unexplained."""
    explained = row.explained[number]
    total = row.value[number] - row.base[number]
    others = explained - sum(text.contributions[place, number] for text, place in shown)
    found = [("other n-grams", others), ("not explained by gradients", total - explained)]
    return [(name, float(value)) for name, value in found if abs(value) >= _SMALLEST_SHOWN]


def _signed(value: float) -> str:
    return f"{'+' if value >= 0 else '-'} {abs(value):.3f}"


def _chosen(explanation, n_rows: int, output: str | None):
    """Yield the first rows with the number of the shown output."""
    for row in explanation.rows[:n_rows]:
        if output is None:
            yield row, int(np.argmax(row.value))
        elif output in row.outputs:
            yield row, row.outputs.index(output)
    if output is not None and not any(output in row.outputs for row in explanation.rows):
        names = list(dict.fromkeys(name for row in explanation.rows for name in row.outputs))
        raise ValueError(f"Unknown output. Expected: one of {names}. Received: output={output!r}.")


def _strongest(row, number: int, n_ngrams: int):
    """Return the strongest n-grams of all columns of a row, as pairs of text and position.

    Of overlapping n-grams only the strongest is returned.
    """
    found = [
        (text, place)
        for text in row.texts
        for place in np.flatnonzero(text.contributions[:, number])
    ]
    found.sort(key=lambda pair: -abs(pair[0].contributions[pair[1], number]))
    taken = {id(text): np.zeros(len(text.text) + 1, bool) for text in row.texts}
    chosen = []
    for text, place in found:
        start, stop = text.spans[place]
        if len(chosen) < n_ngrams and not taken[id(text)][start:stop].any():
            taken[id(text)][start:stop] = True
            chosen.append((text, place))
    return chosen


def _html_text(row, text, number: int, strongest: float) -> str:
    # One line end of the same length, as positions count both characters.
    whole = text.text.replace("\r\n", " \n").replace("\r", "\n")
    name = ""
    if len(row.texts) > 1:
        name = f'<span style="opacity:.6">{_escaped(text.column)}: </span>'
    pieces, end = [], 0
    for (start, stop), value in zip(
        text.word_spans.tolist(), text.word_contributions[:, number], strict=True
    ):
        pieces.append(_escaped(_shortened(whole[end:start])))
        pieces.append(_coloured(whole[start:stop], float(value), strongest))
        end = stop
    rest = _shortened(whole[end:])
    if rest:
        pieces.append(f'<span style="opacity:.5">{_escaped(rest)}</span>')
    shown = "".join(pieces) or '<i style="opacity:.6">empty</i>'
    style = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.7;unicode-bidi:isolate"
    return f'<div dir="auto" style="{style}">{name}{shown}</div>'


def _coloured(word: str, value: float, strongest: float) -> str:
    share = abs(value) / strongest if strongest > 0 else 0.0
    if share < _FAINT:
        return _escaped(word)
    red, green, blue = _FOR if value > 0 else _AGAINST
    shade = _STRONGEST_SHADE * share
    line = ""
    if value < 0:
        line = f";border-bottom:2px solid rgba({red},{green},{blue},{min(1.0, share + 0.2):.2f})"
    return (
        f'<span title="{value:+.3f}" style="border-radius:3px;'
        f'background:rgba({red},{green},{blue},{shade:.2f}){line}">{_escaped(word)}</span>'
    )


def _shortened(text: str) -> str:
    """Shorten text that models do not read."""
    if len(text) <= _MOST_UNREAD:
        return text
    return f"{text[:_MOST_UNREAD]} … ({len(text) - _MOST_UNREAD:,} more characters)"


def _sample(colour, name: str) -> str:
    return _coloured(name, 1.0 if colour == _FOR else -1.0, 2.0)


def _ngram(text, place: int) -> str:
    """Return an n-gram on one line; spaces in character n-grams are shown as ␣."""
    if text.kinds[place] == "characters":
        return _visible(_one_line(text.ngrams[place].replace(" ", "␣")))
    start, stop = text.spans[place]
    return _visible(_one_line(text.text[start:stop]))


def _escaped(text: str) -> str:
    return html.escape(_visible(text), quote=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _visible(text: str) -> str:
    """Replace control characters by visible symbols, and direction marks by U+FFFD."""
    if text.isprintable():
        return text
    return "".join(map(_visible_character, text))


def _visible_character(character: str) -> str:
    code = ord(character)
    if code < 0x20 and character not in "\n\t":
        return chr(0x2400 + code)
    # Direction overrides would change the page.
    turns = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    return "\ufffd" if turns or 0x7F <= code < 0xA0 or 0xD800 <= code <= 0xDFFF else character


def _more(explanation, n_rows: int) -> list[str]:
    left = len(explanation.rows) - n_rows
    return [f"… {left:,} more in .to_frame()"] if left > 0 else []
