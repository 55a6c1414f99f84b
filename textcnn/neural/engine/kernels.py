"""Loops over words: distinct words of a batch, maxima of windows, and their gradients.

A batch is a line of word numbers: its documents one after another, with so many zeros between them
that no window spans two. Number 0 is a word of zeros; the others are the batch's distinct words.
"""

from __future__ import annotations

import numpy as np

from textcnn.neural.engine.compiling import compiled


@compiled(
    "int64(int32[::1], int64[::1], int32[::1], int64[::1], int64, int64, int64[::1], int32[::1],"
    " int32[::1], int32[::1], int32[::1], int32[::1])"
)
def read_batch(
    forms, offsets, kind_of_form, rows, gap, tag, last_tag, number_of, line, starts, ends, kinds
):
    """Write the documents of a batch into a line; return the number of its distinct numbers.

    ``last_tag`` contains the last batch of each kind of word, so that nothing has to be cleared
    between batches; ``kinds`` gets the kind of each number.
    """
    n_numbers = 1
    kinds[0] = 0
    place = 0
    for _ in range(gap):
        line[place] = 0
        place += 1
    for i in range(rows.shape[0]):
        start, end = offsets[rows[i]], offsets[rows[i] + 1]
        starts[i] = place
        if start == end:
            line[place] = 0
            place += 1
        for position in range(start, end):
            kind = kind_of_form[forms[position]]
            if last_tag[kind] != tag:
                last_tag[kind] = tag
                number_of[kind] = n_numbers
                kinds[n_numbers] = kind
                n_numbers += 1
            line[place] = number_of[kind]
            place += 1
        ends[i] = place
        for _ in range(gap):
            line[place] = 0
            place += 1
    return n_numbers


@compiled("void(float32[:, ::1], int32[::1], int32[::1], int64, int64, float32[:, ::1])")
def gather_vectors(table, row_of_kind, kinds, n_numbers, first, vectors):
    """Copy the vectors of a table, from column ``first`` on; number 0 remains zero."""
    for number in range(1, n_numbers):
        source = table[row_of_kind[kinds[number]]]
        target = vectors[number, first : first + table.shape[1]]
        for channel in range(source.shape[0]):
            target[channel] = source[channel]


@compiled("void(float32[::1], float32[::1], float32[::1])", is_part=True)
def _set_2(total, a, b):
    for f in range(total.shape[0]):
        total[f] = a[f] + b[f]


@compiled("void(float32[::1], float32[::1], float32[::1], float32[::1])", is_part=True)
def _set_3(total, a, b, c):
    for f in range(total.shape[0]):
        total[f] = a[f] + b[f] + c[f]


@compiled("void(float32[::1], float32[::1], float32[::1])", is_part=True)
def _add_2(total, a, b):
    for f in range(total.shape[0]):
        total[f] += a[f] + b[f]


@compiled("void(float32[:, ::1], int32[::1], int64, int64, float32[::1])", is_part=True)
def _add_window(products, line, start, width, total):
    """Sum the products of one window."""
    a = products[line[start] * width]
    if width == 1:
        for f in range(total.shape[0]):
            total[f] = a[f]
        return
    b = products[line[start + 1] * width + 1]
    j = 2 + width % 2
    if j == 2:
        _set_2(total, a, b)
    else:
        _set_3(total, a, b, products[line[start + 2] * width + 2])
    while j < width:
        c = products[line[start + j] * width + j]
        _add_2(total, c, products[line[start + j + 1] * width + j + 1])
        j += 2


@compiled("void(float32[::1], int32[::1], float32[::1], int32)", is_part=True)
def _keep(largest, winners, a, place):
    for f in range(largest.shape[0]):
        value = a[f]
        winners[f] = place if value > largest[f] else winners[f]
        largest[f] = value if value > largest[f] else largest[f]


@compiled(
    "void(float32[::1], int32[::1], float32[::1], float32[::1], float32[::1], int32)", is_part=True
)
def _keep_of_3(largest, winners, a, b, c, place):
    """Keep the largest of three consecutive windows, the first of equal ones."""
    for f in range(largest.shape[0]):
        value, winner = a[f], place
        winner = place + np.int32(1) if b[f] > value else winner
        value = b[f] if b[f] > value else value
        winner = place + np.int32(2) if c[f] > value else winner
        value = c[f] if c[f] > value else value
        winners[f] = winner if value > largest[f] else winners[f]
        largest[f] = value if value > largest[f] else largest[f]


@compiled(
    "void(float32[:, ::1], int32[::1], int32[::1], int32[::1], int64, int64, int64,"
    " float32[:, ::1], int32[:, ::1], float32[:, ::1])"
)
def window_maximum(products, line, starts, ends, n_rows, width, first, largest, winners, totals):
    """Keep the largest sum over windows per filter and document, and the start of its window.

    ``products`` has, for each number, a row for each position in a window. The first of equal sums
    is used. Results are in columns ``first`` to ``first + n_filters``. ``totals`` has space for
    three windows, which are summed before they are compared, in loops over few arrays that a
    processor computes for eight filters at a time.
    """
    n_filters = products.shape[1]
    left = (width - 1) // 2
    for i in range(n_rows):
        best = largest[i, first : first + n_filters]
        won = winners[i, first : first + n_filters]
        start, end = starts[i] - left, ends[i] - left
        for f in range(n_filters):
            best[f] = -np.inf
            won[f] = start
        while start + 3 <= end:
            for step in range(3):
                _add_window(products, line, start + step, width, totals[step])
            _keep_of_3(best, won, totals[0], totals[1], totals[2], np.int32(start))
            start += 3
        while start < end:
            _add_window(products, line, start, width, totals[0])
            _keep(best, won, totals[0], np.int32(start))
            start += 1


@compiled("void(float32[::1], float32, float32[::1])", is_part=True)
def _add_scaled(total, factor, a):
    for d in range(total.shape[0]):
        total[d] += factor * a[d]


@compiled(
    "void(float32[::1], float32, float32[::1], float32, float32[::1], float32, float32[::1],"
    " float32, float32[::1])",
    is_part=True,
)
def _add_scaled_4(total, p, a, q, b, r, c, s, d):
    for i in range(total.shape[0]):
        total[i] += p * a[i] + q * b[i] + (r * c[i] + s * d[i])


@compiled(
    "void(float32[:, ::1], float32[:, ::1], int32[::1], int32[:, ::1], float32[:, ::1], int64,"
    " int64, int64, float32[:, ::1], float32[:, ::1])"
)
def winning_gradients(
    vectors, kernel, line, winners, slopes, first, width, n_frozen, kernel_slopes, vector_slopes
):
    """Sum the gradients of kernel and vectors over the maximum windows.

    ``kernel`` has a row of channels for each position in a window and filter; ``vector_slopes`` has
    the channels after the first ``n_frozen``.
    """
    n_rows = slopes.shape[0]
    n_filters = kernel.shape[0] // width
    n_channels = vectors.shape[1]
    places = np.empty(n_rows, np.int64)
    factors = np.empty(n_rows, np.float32)
    for f in range(n_filters):
        n_winning = 0
        for i in range(n_rows):
            if slopes[i, first + f] != 0:
                places[n_winning] = winners[i, first + f]
                factors[n_winning] = slopes[i, first + f]
                n_winning += 1
        for j in range(width):
            learnt = kernel_slopes[j * n_filters + f]
            t = 0
            while t + 4 <= n_winning:
                _add_scaled_4(
                    learnt,
                    factors[t],
                    vectors[line[places[t] + j]],
                    factors[t + 1],
                    vectors[line[places[t + 1] + j]],
                    factors[t + 2],
                    vectors[line[places[t + 2] + j]],
                    factors[t + 3],
                    vectors[line[places[t + 3] + j]],
                )
                t += 4
            while t < n_winning:
                _add_scaled(learnt, factors[t], vectors[line[places[t] + j]])
                t += 1
            if n_frozen < n_channels:
                weights = kernel[j * n_filters + f, n_frozen:]
                for t in range(n_winning):
                    number = line[places[t] + j]
                    if number:
                        _add_scaled(vector_slopes[number], factors[t], weights)


@compiled("void(int32[::1], int32[:, ::1], float32[:, ::1], int64, int64, float32[:, ::1])")
def scatter_slopes(line, winners, slopes, first, width, product_slopes):
    """Sum the gradients of each product of word and kernel, in the rows of ``products``."""
    n_filters = product_slopes.shape[1]
    for i in range(slopes.shape[0]):
        for f in range(n_filters):
            slope = slopes[i, first + f]
            if slope != 0:
                start = winners[i, first + f]
                for j in range(width):
                    product_slopes[line[start + j] * width + j, f] += slope


@compiled(
    "int64(float32[:, ::1], int64, int64, int32[::1], int32[::1], int64, int64[::1], int32[::1],"
    " int64, float32[:, ::1], int32[::1])"
)
def sum_by_row(
    vector_slopes, first, dim, row_of_kind, kinds, n_numbers, last_tag, place_of, tag, sums, rows
):
    """Sum the gradients of numbers that share a row of a table; return the number of rows."""
    n_places = 0
    for number in range(1, n_numbers):
        row = row_of_kind[kinds[number]]
        slopes = vector_slopes[number, first : first + dim]
        if last_tag[row] != tag:
            last_tag[row] = tag
            place_of[row] = n_places
            rows[n_places] = row
            total = sums[n_places]
            for channel in range(dim):
                total[channel] = slopes[channel]
            n_places += 1
        else:
            total = sums[place_of[row]]
            for channel in range(dim):
                total[channel] += slopes[channel]
    return n_places


@compiled(
    "void(float32[:, ::1], float32[:, ::1], float32[:, ::1], int32[::1], int64, float32, float32)"
)
def adagrad_rows(table, squares, sums, rows, n_places, rate, epsilon):
    """Make a step of Adagrad on some rows of a table."""
    for place in range(n_places):
        values, total, slopes = table[rows[place]], squares[rows[place]], sums[place]
        for channel in range(values.shape[0]):
            slope = slopes[channel]
            square = total[channel] + slope * slope
            total[channel] = square
            values[channel] -= rate * slope / (np.sqrt(square) + epsilon)


@compiled(
    "void(float32[::1], float32[::1], float32[::1], float32[::1], float32, float32, float32,"
    " float32)"
)
def adam(values, slopes, means, squares, rate, share_of_mean, share_of_square, epsilon):
    """Make a step of Adam, and reset the gradients to zero."""
    for i in range(values.shape[0]):
        slope = slopes[i]
        mean = means[i] + (slope - means[i]) * share_of_mean
        square = squares[i] + (slope * slope - squares[i]) * share_of_square
        means[i] = mean
        squares[i] = square
        values[i] -= rate * mean / (np.sqrt(square) + epsilon)
        slopes[i] = 0
