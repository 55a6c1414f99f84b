"""Documentation of parameters that several public classes have, in one place.

A docstring has their names in braces, each on its own line; :func:`documented` inserts the text.
"""

from __future__ import annotations

import re
import textwrap

PARAMETERS = {
    "activation": """\
activation : str, default="relu"
    Name of a Keras activation.""",
    "augment": """\
augment : "auto", None or list of keras.layers.Layer, default="auto"
    Random changes of training images, before scaling, so that value ranges are those of X.
    ``"auto"`` shifts and zooms by up to a tenth and rotates by up to 10 degrees; None does not
    change images; a list of Keras layers (``RandomFlip``, ``RandomContrast``, ``RandAugment``,
    …) is applied in its order, in the same way to all frames of a sequence.""",
    "batch_size": """\
batch_size : int, default=64""",
    "class_weight": """\
class_weight : None, "balanced" or dict, default=None
    Weight of each class, computed per model from its own training rows.""",
    "color_mode": """\
color_mode : {"auto", "grayscale", "rgb"}, default="auto"
    Mode to which files are converted; ``"auto"`` keeps it if all files are grey or none is.
    Transparent pixels become white, 16 bits become 8; the first frame of an animation is used.""",
    "corpus_options": """\
corpus_options : dict or None, default=None
    Parameters of gensim's Word2Vec for ``embeddings="corpus"``.""",
    "cv": """\
cv : int, splitter or iterable, default=5
    An int is the number of folds: stratified for classes, by group if ``groups`` are
    given, always shuffled with ``random_state``. Any scikit-learn splitter or an iterable of
    (train, test) row numbers that covers each row works too.""",
    "embeddings": """\
embeddings : None, str, path, gensim KeyedVectors, model2vec StaticModel, WordVectors or list \
        of these, default=None
    Pretrained word vectors. ``"wordllama"`` makes a vector of any word, also of one that is new
    at ``transform``, of the vectors of its pieces: the package (``pip install
    'textcnn[vectors]'``) contains them, and nothing is downloaded. A static model of model2vec,
    or the folder of one, does the same with its pieces. A path to a word2vec file (text or
    binary), a GloVe text file or a gensim native file, also ``.gz``; the name of a gensim-data
    set (``"glove-wiki-gigaword-100"``); ``"corpus"`` trains vectors on the column itself; a
    list concatenates several as channels; None uses no pretrained vectors. Pretrained vectors
    stay frozen unless ``trainable_embeddings``.""",
    "engine": """\
engine : {"auto", "numba", "keras"}, default="auto"
    What trains the network. ``"numba"`` is compiled code for convolutions of one block, ten
    times as fast as Keras on a CPU; it needs neither TensorFlow nor padding. ``"auto"`` takes
    it where it can, and Keras for other networks, where a GPU is visible, or where the
    environment variable ``KERAS_BACKEND`` is set.""",
    "ensemble": """\
ensemble : {"auto", "mean", "refit"}, default="auto"
    What is used for new rows: the mean of the fold models, or one more model fitted on all rows
    for the same part of its schedule as the fold models. ``"auto"`` is ``"refit"`` for
    folds in time order, whose first models were trained on old rows only, otherwise ``"mean"``.
    In benchmarks on three tables the mean scored better with random folds, and with folds in
    time order it had the same AUC and a better log-loss (benchmarks/RESULTS.md); a refit model
    is ``cv`` times as fast. ``report_.gap(X, y)`` measures the effect on your features.""",
    "image_dense_units": """\
dense_units : tuple of int, default=()
    Units of hidden dense layers between features and output, with the activation of the
    ``network=`` object, or ReLU if it has none.""",
    "image_dropout": """\
dropout : float, default=0.3
    Dropout rate of the features during training.""",
    "image_early_stopping": """\
early_stopping : bool, default=False
    Whether a tenth of a model's own training rows is used for validation: training stops early
    and the best weights are kept.""",
    "image_epochs": """\
epochs : "auto" or int, default="auto"
    Number of epochs. ``"auto"`` aims at a number of updates: many epochs for small tables, few
    for large ones.""",
    "image_kernel_sizes": """\
kernel_sizes : int, or tuple of int or (height, width), default=3
    Pixels that a filter spans, for all blocks or each: up to the whole image. Only for
    ``network=None``.""",
    "image_l2": """\
l2 : float, default=0.0
    Weight decay of convolutions, dense layers and the output; not inside a ``Backbone`` or a
    callable ``network``.""",
    "image_learning_rate": """\
learning_rate : float, default=0.003
    Initial learning rate of Adam; it decays to 0 by a cosine schedule.""",
    "image_n_filters": """\
n_filters : int or tuple of int, default=(32, 64)
    Filters of each block of plain convolutions; there are as many blocks as entries. Only for
    ``network=None``: other networks have their own parameters.""",
    "image_network": """\
network : None, ConvNetwork, ResidualNetwork, Backbone, SequenceNetwork, str or callable, \
        default=None
    None is plain convolutions: blocks of convolution, batch normalisation, activation and
    pooling. The parameters of the objects can be searched, for example ``network__depth``.
    ``"residual"`` is ``ResidualNetwork()``, and the name of a network of
    ``keras.applications`` is its :class:`~textcnn.Backbone`. A callable takes the shape
    (height, width, channels) and returns a ``keras.Model`` from scaled images to features
    (batch, n_features).""",
    "image_random_state": """\
random_state : None, int, RandomState or Generator, default=None
    With an int, results are bit-identical on the same machine with the same number of
    threads.""",
    "image_shape": """\
image_shape : tuple of int or None, default=None
    For X as rows of pixels: their (height, width), (height, width, channels) or (frames,
    height, width, channels); one entry may be -1.""",
    "image_size": """\
image_size : int or (height, width), default=None
    Size to which files, or arrays of different sizes, are resized; None if all have the same
    size. Time and memory are proportional to its area.""",
    "join_columns": """\
join_columns : bool, default=False
    Whether one branch reads the cells of several text columns one after the other, with a
    separator and one vocabulary for all. Otherwise each column has its own branch and vocabulary.
    `max_length` applies to each cell in both cases.""",
    "keep_vectors": """\
keep_vectors : "seen" or int, default=20_000
    Besides the pretrained vectors of words that occur in training, keep those of this many
    most frequent (first) words of the vectors' file, for words that first occur in new rows:
    4 bytes per channel and word. ``"seen"`` keeps none. Of vectors made of pieces, words of one
    piece are kept, for machines without the package; with it, any new word has its vector.""",
    "label_smoothing": """\
label_smoothing : float, default=0.0
    Share of each training target that is replaced by the class frequencies of the model's
    training rows, against overconfidence.""",
    "learned_dim": """\
learned_dim : "auto" or int, default="auto"
    Dimensions of the trainable vector per word, which is added to the pretrained one as further
    channels. ``"auto"``: 32 with pretrained vectors, 100 without, 32 for characters; 0 for
    none.""",
    "level": """\
level : {"word", "char"}, default="word"
    Whether tokens are words or characters. Characters (case is ignored) suit misspellings,
    product codes and scripts without spaces; they have small trainable vectors, so
    ``embeddings`` must be None, and `tokenizer` is ignored.""",
    "max_length": """\
max_length : "auto", int or None, default="auto"
    Number of tokens that are read of a cell: with ``"auto"`` 400 words or 1000 characters. Time
    is proportional to it. The report counts the texts that were cut, and with ``"auto"`` a warning
    is issued if they are more than a tenth.""",
    "min_count": """\
min_count : int, default=2
    A word has its own vector in a model if it occurs this often in the model's training
    rows. Rarer words share the vector of the unknown word.""",
    "missing_class": """\
missing_class : {"raise", "drop"}, default="raise"
    If a class is missing in the training rows of a model: an error, or no column for that
    class.""",
    "n_blocks": """\
n_blocks : int, default=1
    Number of stacked convolutions, with max pooling by two between them.""",
    "n_jobs": """\
n_jobs : int or None, default=None
    Number of models fitted in parallel by joblib; -1 for all cores.""",
    "n_networks": """\
n_networks : "auto" or int, default="auto"
    Number of networks per model that differ in their seeds only. Features and predictions are
    their mean, which is more accurate and less overconfident; time and memory are proportional
    to it. ``"auto"`` is 2 for convolutions over words, 1 for other networks, which are slower.""",
    "on_error": """\
on_error : {"raise", "blank"}, default="raise"
    Whether an image that is missing, or a file that cannot be read in ``predict``,
    is an error or a black image (with a warning that gives their number).""",
    "output": """\
output : {"proba", "logit"}, default="proba"
    Whether class features are probabilities or logits.""",
    "pooling": """\
pooling : {"max", "average", "both"}, default="max"
    How the positions of a document are combined to one number per filter or unit.""",
    "precision": """\
precision : {"auto", "float32", "mixed_bfloat16"}, default="auto"
    Precision of the computation; ``"auto"`` is mixed on a GPU.""",
    "resize": """\
resize : {"pad", "stretch"}, default="pad"
    Whether the aspect ratio of an image is kept, by black borders, or not.""",
    "target_type": """\
target_type : {"auto", "binary", "multiclass", "continuous", "multilabel", "multioutput"}, \
        default="auto"
    ``"auto"`` is scikit-learn's ``type_of_target``, which treats integers as classes: pass
    ``"continuous"`` if they are quantities.""",
    "text_dense_units": """\
dense_units : tuple of int, default=()
    Units of hidden dense layers between pooling and output.""",
    "text_dropout": """\
dropout : float, default=0.2
    Dropout rate of the features during training.""",
    "text_early_stopping": """\
early_stopping : bool, default=False
    Whether a tenth of a model's own training rows is used for validation: training stops early
    and the best weights are kept.""",
    "text_epochs": """\
epochs : "auto" or int, default="auto"
    Number of epochs. ``"auto"`` aims at a number of updates: many epochs for small tables, few
    for large ones; fewer for a recurrent network, more for characters.""",
    "text_kernel_sizes": """\
kernel_sizes : "auto", int or tuple of int, default="auto"
    Words (or characters) that a filter spans; ``"auto"`` is (1, 2, 3) words or (3, 5, 7)
    characters. With many rows and pretrained vectors, (3, 4, 5) words may be more accurate.""",
    "text_l2": """\
l2 : float, default=0.0
    Weight decay of convolutions, recurrent and dense layers.""",
    "text_label_smoothing": """\
label_smoothing : "auto" or float, default="auto"
    Share of each training target that is replaced by the class frequencies of the model's
    training rows, against overconfidence. ``"auto"`` is 0.05 for classes and labels; numbers are
    not smoothed.""",
    "text_learning_rate": """\
learning_rate : float, default=0.003
    Initial learning rate of Adam; it decays to 0 by a cosine schedule.""",
    "text_n_filters": """\
n_filters : "auto" or int, default="auto"
    Filters per kernel size, or units of a GRU per direction. Time is proportional to it.
    ``"auto"`` is 32 for convolutions over words, 64 with pretrained vectors, 100 for other
    networks.""",
    "text_network": """\
network : None, "bigru" or callable, default=None
    None is convolutions. ``"bigru"`` is a bidirectional GRU with pooling over its states, using
    cuDNN on a GPU; on a CPU its time grows with the length of the longest text of a
    batch. It ignores `kernel_sizes` and `n_blocks`, and uses `activation` in dense layers only.
    A callable takes the number of channels per word and returns a ``keras.Model``
    from word vectors (batch, length, channels), zero where padded, and optionally a mask
    (batch, length, 1), to features (batch, n_features). It replaces convolutions and pooling.""",
    "text_random_state": """\
random_state : None, int, RandomState or Generator, default=None
    With an int, results are bit-identical on the same machine with the same number of
    threads.""",
    "tokenizer": """\
tokenizer : "word" or callable, default="word"
    ``"word"`` splits into Unicode words, punctuation marks and (in scripts without spaces)
    characters; a callable takes a str and returns a list of str, and must be importable for
    pickling.""",
    "trainable_embeddings": """\
trainable_embeddings : bool, default=False
    Whether pretrained vectors are trained too. Needs memory for a table of vectors per model.""",
    "uncovered": """\
uncovered : {"raise", "nan"} or float, default="raise"
    Feature of rows that no model predicts, such as the first rows in time: an error, NaN or a
    number. The base rate is not offered: for the first rows in time it could be computed from
    their own targets only, which would be a leak.""",
    "unlabelled": """\
unlabelled : {"fold", "mean"}, default="fold"
    How rows without a target are predicted; models are not trained on them. ``"fold"`` assigns
    each to one fold, so that its feature does not reveal that it has no target; ``"mean"``
    averages all models.""",
}


def documented(cls: type) -> type:
    """Put the documentation of shared parameters into the docstring of a class."""
    if cls.__doc__:  # None under python -OO
        # Indented before Python 3.13, which removes the indentation of docstrings.
        cls.__doc__ = re.sub(r"^( *)\{(\w+)\}$", _documentation, cls.__doc__, flags=re.MULTILINE)
    return cls


def _documentation(named: re.Match) -> str:
    return textwrap.indent(PARAMETERS[named[2]], named[1])
