"""The Keras builders: shapes and parameters by hand, state per fold, stored weights, sequences."""

import pickle
from dataclasses import replace

import keras
import numpy as np
import pytest
from inside import augment_frames, forget_networks, owned_variables, seeds_of

from textcnn.image.augmentation import apply_augmentation, plan_augmentation
from textcnn.image.backbones import backbone_names
from textcnn.image.fitted import ImageNetwork
from textcnn.image.network import (
    Block,
    ImageNetworkSettings,
    build_image_network,
    map_sizes,
)
from textcnn.image.reader import ImageReader
from textcnn.image.source import ImageSource
from textcnn.neural.jobs import TrainingJob
from textcnn.neural.network import borrow_network
from textcnn.neural.training import fit_models, predict_model

RANDOM = np.random.default_rng(0)


def block(n_filters=2, kernel=3, strides=1, pool=2, pool_stride=None):
    pairs = [(side, side) for side in (kernel, strides, pool, pool_stride or pool)]
    return Block(n_filters, *pairs)


def make(shape=(8, 8, 1), n_outputs=1, **settings):
    settings = {"blocks": (block(),)} | settings
    return build_image_network(ImageNetworkSettings(**settings), shape, n_outputs)


def call(model, images, mean=0.0, spread=1.0):
    scaling = np.empty((len(images), 2, images.shape[-1]), np.float32)
    scaling[:, 0], scaling[:, 1] = mean, spread
    return np.asarray(model([images.astype(np.float32), scaling], training=False))


def shapes(model):
    return [tuple(weight.shape) for weight in model.trainable_weights]


def test_parameters_of_the_simple_network_by_hand():
    model = make(
        (28, 28, 1),
        10,
        blocks=(block(32), block(64)),
        batch_norm=False,
        dense_units=(20,),
    )
    assert shapes(model) == [
        (3, 3, 1, 32),
        (32,),
        (3, 3, 32, 64),
        (64,),
        (7 * 7 * 64, 20),
        (20,),
        (20, 10),
    ]
    assert map_sizes(ImageNetworkSettings(blocks=(block(32), block(64))), (28, 28, 1)) == [
        (14, 14),
        (7, 7),
    ]


def open_block(n_filters, **changes):
    return replace(block(n_filters, **changes), pool_size=None, pool_stride=None)


@pytest.mark.parametrize(
    ("side", "n_blocks", "sides"),
    [
        (8, 2, [8, 4]),
        (28, 2, [14, 7]),
        (16, 3, [16, 8, 4]),
        (7, 2, [7, 7]),
        (1, 2, [1, 1]),
        (64, 4, [32, 16, 8, 4]),
    ],
)
def test_open_poolings_leave_four_rows_and_are_the_last_ones(side, n_blocks, sides):
    settings = ImageNetworkSettings(blocks=(open_block(2),) * n_blocks)
    assert map_sizes(settings, (side, side, 1)) == [(size, size) for size in sides]
    model = build_image_network(settings, (side, side, 1), 1)
    assert sum("pool" in layer.name for layer in model.layers) == len({side, *sides}) - 1


def test_open_poolings_beside_chosen_sizes_of_kernels():
    settings = ImageNetworkSettings(blocks=(open_block(2, kernel=5),) * 2, padding="valid")
    assert map_sizes(settings, (20, 20, 1)) == [(16, 16), (6, 6)]
    assert map_sizes(settings, (25, 25, 1)) == [(21, 21), (8, 8)]
    assert map_sizes(settings, (28, 28, 1)) == [(12, 12), (4, 4)]
    with pytest.raises(ValueError, match="too small"):
        map_sizes(settings, (8, 8, 1))


def test_ten_filters_and_global_pooling_need_a_few_hundred_parameters():
    settings = {"blocks": (block(10, pool=1),), "batch_norm": False, "final_pooling": "max"}
    model = make((28, 28, 1), 10, **settings)
    assert model.count_params() == 3 * 3 * 10 + 10 + 10 * 10 + 10  # the level is the output's bias


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("strides", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", [2, 3, 5, 7, 20])
def test_sizes_of_maps_are_those_of_keras(padding, strides, kernel):
    settings = ImageNetworkSettings(
        blocks=(block(1, kernel, strides, pool=1),), padding=padding, final_pooling="flatten"
    )
    [(height, width)] = map_sizes(settings, (20, 23, 1))
    model = build_image_network(settings, (20, 23, 1), 1)
    assert tuple(model.get_layer("conv_1_1").output.shape) == (None, height, width, 1)
    if kernel == 20 and padding == "valid":
        assert height == 1, "a kernel as large as the image leaves one position"


@pytest.mark.parametrize(
    ("blocks", "padding", "message"),
    [
        ((block(kernel=9),), "valid", r"8×8 enter block 1.*8×8, kernel \(9, 9\)"),
        ((block(), block(), block(), block()), "same", "maps of 1×1 enter block 4"),
    ],
)
def test_images_that_are_too_small_are_refused(blocks, padding, message):
    with pytest.raises(ValueError, match=message):
        make(blocks=blocks, padding=padding)


def test_convolution_activation_and_pooling_are_what_they_are_called():
    images = RANDOM.normal(size=(3, 6, 6, 1))
    kernel = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]], float)
    padded = np.pad(images[..., 0], [(0, 0), (1, 1), (1, 1)])
    maps = sum(padded[:, i : i + 6, j : j + 6] * kernel[i, j] for i in range(3) for j in range(3))
    for pooling, reduce in (("max", np.max), ("average", np.mean)):
        model = make(
            (6, 6, 1),
            4,
            blocks=(block(1, pool=3),),
            batch_norm=False,
            pooling=pooling,
            final_pooling="flatten",
        )
        model.get_layer("conv_1_1").set_weights([kernel[..., None, None], np.zeros(1)])
        model.get_layer("raw_output").set_weights([np.eye(4)])
        rectified = np.maximum(maps, 0).reshape(3, 2, 3, 2, 3)
        expected = reduce(rectified, axis=(2, 4)).reshape(3, 4)
        np.testing.assert_allclose(call(model, images), expected, rtol=1e-4, atol=1e-4)


def test_images_are_scaled_by_what_comes_with_them():
    keras.utils.set_random_seed(0)
    model = make(batch_norm=False, padding="valid")
    images = RANDOM.normal(size=(3, 8, 8, 1))
    np.testing.assert_allclose(
        call(model, 40 + 7 * images, 40, 7), call(model, images), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(("depth", "published"), [(20, 0.27e6), (56, 0.85e6), (110, 1.7e6)])
def test_residual_networks_have_the_parameters_of_the_paper(depth, published):
    blocks = tuple(block(n) for n in (16, 32, 64))
    model = make((32, 32, 3), 10, network="residual", blocks=blocks, depth=depth)
    counted = sum(int(np.prod(shape)) for shape in shapes(model))
    assert counted == pytest.approx(published, rel=0.02)
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) + 1 == depth
    assert tuple(convolutions[-1].output.shape) == (None, 8, 8, 64)


def test_a_residual_block_that_adds_nothing_hands_its_input_on():
    model = make(
        (6, 6, 1), 2, network="residual", blocks=(block(2), block(4)), depth=6, batch_norm=False
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "conv_0":
            layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
    images = np.abs(RANDOM.normal(size=(2, 6, 6, 1)))
    kernel = np.zeros((3, 3, 1, 2))
    kernel[1, 1, 0] = [1, 2]
    model.get_layer("conv_0").set_weights([kernel, np.zeros(2)])
    output = RANDOM.normal(size=(4, 2))
    model.get_layer("raw_output").set_weights([output])
    mean = images[:, ::2, ::2].mean(axis=(1, 2, 3))
    features = np.stack([mean, 2 * mean, 0 * mean, 0 * mean], axis=1)
    np.testing.assert_allclose(call(model, images), features @ output, rtol=1e-4, atol=1e-5)


def test_frames_share_one_network_and_are_pooled_over_time():
    single = make((8, 8, 1), 3)
    images = RANDOM.normal(size=(4, 5, 8, 8, 1)).astype(np.float32)
    for pooling, reduce in (("average", np.mean), ("max", np.max)):
        model = make((5, 8, 8, 1), 3, time_pooling=pooling)
        model.set_weights(single.get_weights())
        inner = keras.Model(single.inputs, single.get_layer("raw_output").input)
        features = np.stack([call(inner, images[:, frame]) for frame in range(5)])
        weights = model.get_layer("raw_output").get_weights()[0]
        expected = reduce(features, axis=0) @ weights
        np.testing.assert_allclose(call(model, images), expected, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(
            call(model, images[:, ::-1]), call(model, images), rtol=1e-3, atol=1e-5
        )


def test_mixed_precision_ends_before_the_output_and_leaves_the_policy_alone():
    model = make(precision="mixed_bfloat16")
    assert model.get_layer("conv_1_1").compute_dtype == "bfloat16"
    assert model.get_layer("conv_1_1").variable_dtype == "float32"
    assert model.get_layer("raw_output").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
    assert call(model, RANDOM.normal(size=(2, 8, 8, 1))).dtype == np.float32


# Augmentation


LAYERS = {
    "flip": lambda: keras.layers.RandomFlip("horizontal"),
    "shift": lambda: keras.layers.RandomTranslation(0.3, 0.3),
    "rotation": lambda: keras.layers.RandomRotation(0.2),
    "zoom": lambda: keras.layers.RandomZoom(0.3),
    "contrast": lambda: keras.layers.RandomContrast(0.5),
    "RandAugment": lambda: keras.layers.RandAugment((0, 255)),
    "erasing": lambda: keras.layers.RandomErasing(1.0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_active_in_training_only_and_are_rebuilt(name):
    plan = plan_augmentation([LAYERS[name]()])
    assert plan == pickle.loads(pickle.dumps(plan)) and hash(plan)
    model = make((16, 16, 3), augment=plan)
    images = RANDOM.uniform(0, 255, (8, 16, 16, 3)).astype(np.float32)
    scaling = np.ones((8, 2, 3), np.float32)
    given = keras.Input((16, 16, 3))
    augment = keras.Model(given, apply_augmentation(plan, given))
    np.testing.assert_array_equal(np.asarray(augment(images, training=False)), images)
    changed = np.asarray(augment(images, training=True))
    assert changed.shape == images.shape and not np.array_equal(changed, images)
    assert np.isfinite(np.asarray(model([images, scaling], training=True))).all()


def test_all_frames_are_changed_alike():
    plan = plan_augmentation("auto")
    frames = np.repeat(RANDOM.uniform(0, 1, (3, 1, 9, 7, 2)), 4, axis=1).astype(np.float32)
    given = keras.Input((4, 9, 7, 2))
    changed = np.asarray(
        keras.Model(given, augment_frames(given, plan, (4, 9, 7, 2)))(frames, training=True)
    )
    assert changed.shape == frames.shape and not np.allclose(changed, frames)
    for frame in range(1, 4):
        np.testing.assert_array_equal(changed[:, frame], changed[:, 0])


class Unmakeable(keras.layers.Layer):
    def __init__(self, function, **options):
        super().__init__(**options)


@pytest.mark.parametrize(
    "augment",
    ["strong", [1], keras.layers.RandomFlip(), [keras.layers.RandomFlip], [Unmakeable(len)]],
)
def test_what_is_no_augmentation_is_refused(augment):
    with pytest.raises(ValueError, match="augment"):
        plan_augmentation(augment)


def test_automatic_plans_are_equal_whatever_was_built_before():
    assert plan_augmentation("auto") == plan_augmentation("auto")
    assert plan_augmentation(None) == ()


# Fold models on one traced network


def image_jobs(n_models=3, n_rows=30, **changes):
    images = RANDOM.integers(0, 256, (n_rows, 8, 8, 1)).astype(np.uint8)
    targets = (np.arange(n_rows) % 2).astype(np.float32)[:, None]
    jobs = []
    for fold in range(n_models):
        learn = np.flatnonzero(np.arange(n_rows) % n_models != fold)
        jobs.append(
            TrainingJob(
                learn=learn,
                targets=targets[learn],
                weights=np.ones(len(learn), np.float32),
                offset=np.zeros(1, np.float32),
                weights_seed=10 + fold,
                batches_seed=np.random.SeedSequence([1, fold]),
                predict=np.setdiff1d(np.arange(n_rows), learn),
                **({"updates": 5, "batch_size": 8, "learning_rate": 0.01} | changes),
            )
        )
    return ImageSource(images), jobs


def blueprint(shape=(8, 8, 1), **settings):
    settings = {
        "blocks": (block(),),
        "dropout": 0.3,
        "augment": plan_augmentation("auto"),
    } | settings
    reader = ImageReader(shape, True, False, "pad", "raise")
    network = ImageNetwork(
        ["image"], reader, ImageNetworkSettings(**settings), 1, "binary_crossentropy", []
    )
    return network.blueprint


@pytest.mark.parametrize(
    "settings",
    [{}, {"network": "residual", "blocks": (block(2), block(4)), "depth": 6}],
    ids=["simple", "residual"],
)
def test_a_fold_model_is_the_model_fitted_alone(settings):
    source, jobs = image_jobs(2)
    plan = blueprint(**settings)
    model, output = fit_models(plan, source, jobs)[1]
    forget_networks()  # a network that never served another fit
    alone, alone_output = fit_models(plan, pickle.loads(pickle.dumps(source)), jobs[1:])[0]
    np.testing.assert_array_equal(alone_output, output)
    for mine, theirs in zip(model.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_moving_statistics_are_reset_for_each_model():
    source, jobs = image_jobs()
    plan = blueprint(augment=())
    results = fit_models(plan, source, jobs)
    with borrow_network(plan) as network:
        moving = [
            number
            for number, variable in enumerate(owned_variables(network))
            if variable.path.endswith(("moving_mean", "moving_variance"))
        ]
        assert len(moving) == 2
        seeds = seeds_of(network)
        network.reset(3)
        first = [np.array(seed) for seed in seeds]
        after_reset = [np.array(owned_variables(network)[number]) for number in moving]
        network.reset(3)
        assert seeds and all(np.array_equal(a, b) for a, b in zip(first, seeds, strict=True))
    assert after_reset[0].tolist() == [0, 0] and after_reset[1].tolist() == [1, 1]
    for number in moving:
        learnt = [model.weights[number] for model, _ in results]
        assert not np.array_equal(learnt[0], learnt[1])
    stored = predict_model(plan, source, [model for model, _ in results])
    for job, (_, output), everything in zip(jobs, results, stored, strict=True):
        np.testing.assert_allclose(everything[job.predict], output, atol=1e-6)
    # The features of a row do not depend on the company that it is predicted in.
    single = predict_model(plan, ImageSource(source.images[:1]), [results[0][0]])[0]
    np.testing.assert_allclose(single, stored[0][:1], atol=1e-6)


def test_an_error_of_the_source_in_training_is_not_hidden_by_the_backend():
    source, jobs = image_jobs()
    broken = source.images

    class Breaking:
        shape = broken.shape

        def __len__(self):
            return len(broken)

        def __getitem__(self, rows):
            if len(self.seen) > 2:
                raise ValueError("row 3 broke while training")
            self.seen.append(rows)
            return broken[rows]

        seen: list = []

    with pytest.raises(ValueError, match="row 3 broke while training"):
        fit_models(blueprint(), ImageSource(Breaking()), jobs[:1])


# Users' networks and keras.applications


def users_network(shape):
    images = keras.Input(shape)
    maps = keras.layers.Conv2D(3, 3)(images)
    return keras.Model(images, keras.layers.GlobalMaxPooling2D()(maps))


def test_a_users_network_takes_the_place_of_the_blocks():
    model = make((9, 7, 2), network=users_network)
    assert model.get_layer("raw_output").kernel.shape == (3, 1)
    assert blueprint(network=users_network).key is None


BAD_NETWORKS = {
    "no model": (lambda shape: 1, "returned int"),
    "unbuilt": (lambda shape: keras.Sequential([keras.layers.Flatten()]), "returned Sequential"),
    "maps": (
        lambda shape: keras.Sequential([keras.Input(shape), keras.layers.Conv2D(1, 1)]),
        "GlobalAveragePooling2D",
    ),
    "another shape": (
        lambda shape: keras.Sequential([keras.Input((5, 5, 1)), keras.layers.Flatten()]),
        r"Expected: keras.Input\(\(8, 8, 1\)\)",
    ),
}


@pytest.mark.parametrize("name", BAD_NETWORKS)
def test_networks_that_do_not_fit_are_refused(name):
    network, message = BAD_NETWORKS[name]
    with pytest.raises(ValueError, match=message):
        make(network=network)


def test_backbones_are_found_by_name():
    names = backbone_names()
    assert names["mobilenetv3small"] == "MobileNetV3Small" and names["resnet50"] == "ResNet50"
    assert len(names) > 30


def test_a_backbone_starts_from_a_file_of_weights(tmp_path):
    weights = str(tmp_path / "small.weights.h5")
    original = keras.applications.MobileNetV3Small(
        include_top=False, weights=None, input_shape=(32, 32, 3)
    )
    original.save_weights(weights)
    for fine_tune in (True, False):
        model = make(
            (32, 32, 1), 2, network="mobilenetv3small", pretrained=weights, fine_tune=fine_tune
        )
        backbone = model.get_layer("backbone")
        for mine, theirs in zip(backbone.get_weights(), original.get_weights(), strict=True):
            np.testing.assert_array_equal(mine, theirs)
        assert bool(backbone.trainable_weights) == fine_tune
    images = RANDOM.integers(0, 256, (2, 32, 32, 1)).astype(np.float32)
    maps = np.asarray(original(np.repeat(images, 3, axis=-1), training=False))
    expected = maps.mean(axis=(1, 2)) @ model.get_layer("raw_output").get_weights()[0]
    np.testing.assert_allclose(call(model, images, 99, 3), expected, rtol=1e-3, atol=1e-5)


def test_backbones_get_the_pixels_that_they_were_made_for():
    model = make((32, 32, 3), 1, network="resnet50")
    images = RANDOM.integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    prepared = keras.applications.resnet.preprocess_input(images.copy())
    inner = model.get_layer("backbone")
    features = np.asarray(inner(prepared, training=False)).mean(axis=(1, 2))
    expected = features @ model.get_layer("raw_output").get_weights()[0]
    np.testing.assert_allclose(call(model, images), expected, rtol=1e-3, atol=1e-3)
