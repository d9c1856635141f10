"""Model files: what is saved comes back to the bit, and nothing else comes in."""

import json
import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import glassnet as gn
from glassnet.files.container import HALVES, write_whole
from glassnet.files.networks import LAYERS, ModelFileError, load, load_with_table, save_network
from helpers import ACTIVATIONS, EVERY_LOSS, OWN_LOSS, Case, every_layer, label


def network(loss="squared_error", dtype="float64", activation="tanh", seed=3):
    hidden = gn.Dense(np.int64(4), activation, rate=np.float32(0.5))
    outputs = 1 if loss == "squared_error" else 3
    layers = [gn.LayerNorm(), gn.Dropout(0.25), hidden, gn.Dense(outputs)]
    return gn.Network(layers, inputs=2, loss=loss, dtype=dtype, seed=seed)


def composite(dtype="float64"):
    net = gn.Network(every_layer("parametric_relu"), inputs=5, dtype=dtype, seed=3)
    net.freeze(3, 6)
    return net


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    network().save(path)
    return path


def forge(path, change):
    """Rewrite a model file with its header and its glassnet section changed."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    about = json.loads(header["__metadata__"]["glassnet"])
    metadata = header["__metadata__"]
    changed = change(header, about)
    if changed is None:
        metadata["glassnet"] = json.dumps(about)
        changed = json.dumps(header)
    text = changed if isinstance(changed, bytes) else changed.encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])


# ---- there and back ------------------------------------------------------------------------------


def assert_comes_back(path, net):
    """Assert that a network with weights of all kinds is loaded as it was saved, to the bit."""
    rng = np.random.default_rng(0)
    net.theta[...] += rng.standard_normal(net.theta.shape)
    X = rng.integers(-1, 4, (50, net.inputs)) + 0.0
    net.save(path / "m.safetensors")
    again = load(path / "m.safetensors")
    assert again.predict(X).tobytes() == net.predict(X).tobytes()
    assert again.theta.tobytes() == net.theta.tobytes()
    assert (again.inputs, again.dtype, again.seed) == (net.inputs, net.dtype, net.seed)
    assert (again.layers, again.loss, again.frozen) == (net.layers, net.loss, net.frozen)
    return again


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS, ids=label)
def test_every_activation_comes_back(tmp_path, dtype, activation):
    assert_comes_back(tmp_path, network(dtype=dtype, activation=activation))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["multilabel_cross_entropy", *EVERY_LOSS], ids=label)
def test_every_loss_comes_back(tmp_path, dtype, loss):
    assert_comes_back(tmp_path, network(loss, dtype))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_layer_comes_back_with_what_is_frozen(tmp_path, dtype):
    net = composite(dtype)
    again = assert_comes_back(tmp_path, net)
    kinds = [kind for kind in LAYERS if f"{kind}(" not in repr(again)]
    assert kinds == []
    assert again.frozen == {3, 6}
    X, y = np.random.default_rng(1).standard_normal((20, 5)), np.ones((20, 3))
    for one in (net, again):
        one.fit(X, y, epochs=2, optimizer=gn.SGD(0.01), clip_norm=1.0, batch_size=None)
    frozen = net.layout.factors("rate", "float64", net.frozen) == 0
    assert net.theta[frozen].tobytes() == again.theta[frozen].tobytes()


@pytest.mark.parametrize("part", range(4))
def test_random_networks_come_back(tmp_path, part):
    for seed in range(25 * part, 25 * part + 25):
        case = Case(seed)
        case.members = 1
        if case.loss is not OWN_LOSS:
            assert_comes_back(tmp_path, case.make())


@pytest.mark.parametrize("init", [*gn.initializers.INITIALIZERS, None])
def test_the_name_of_an_initializer_comes_back(tmp_path, init):
    net = gn.Network([gn.Stack(gn.Dense(3, init=init)), gn.Dense(1, init=init)], 2, seed=0)
    again = assert_comes_back(tmp_path, net)
    assert again.layers[0].layers[0].init == again.layers[1].init == init


def test_settings_from_numpy_come_back(tmp_path):
    columns, categories = np.array([2, 0]), np.array([3, 4])
    layers = [
        gn.Embedding(columns, categories, np.int32(2), rate=np.float32(0.5)),
        gn.Dense(1, gn.Identity(), np.float64(2), bias_rate=np.int64(1)),
    ]
    loss = gn.SquaredError(half=np.True_)
    assert_comes_back(tmp_path, gn.Network(layers, 3, loss=loss, seed=np.int64(5)))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_stacked_members_come_back_stacked(tmp_path, dtype):
    net = composite(dtype)
    net.spread(3)
    again = assert_comes_back(tmp_path, net)
    assert again.members == 3
    for one in (net, again):
        one.fit(np.eye(5), np.ones((5, 3)), epochs=2, batch_size=2)
    assert again.theta.tobytes() == net.theta.tobytes()


@pytest.mark.parametrize("members", [None, 2])
def test_what_float32_holds_takes_no_more_room(tmp_path, members):
    net, path = network(), tmp_path / "m.safetensors"
    if members:
        net.spread(members)
    net.save(path)
    wide = path.stat().st_size
    net.theta[...] = net.theta.astype("float32")
    net.save(path)
    assert wide - path.stat().st_size > 3 * net.theta.size
    again = load(path)
    assert again.dtype == "float64"
    assert again.theta.tobytes() == net.theta.tobytes()
    net.theta[..., 0] = 1e300  # beyond what float32 holds
    net.save(path)
    assert load(path).theta.tobytes() == net.theta.tobytes()


def test_fitting_goes_on_from_the_loaded_weights(tmp_path):
    net = network()
    net.weights["W4"][...] = 2.0
    net.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    again.fit(np.eye(2), np.array([[5.0], [6.0]]), epochs=1, optimizer=gn.SGD(0.0))
    assert again.theta.tobytes() == net.theta.tobytes()


def test_the_safetensors_package_reads_and_rewrites_it(saved):
    net = network()
    save_network(net, saved, {"note": "é"})
    tensors = safetensors.numpy.load_file(saved)
    assert tensors.keys() == net.weights.keys()
    for name, weight in net.weights.items():
        assert np.array_equal(tensors[name], weight)
    with safetensors.safe_open(saved, "np") as file:
        metadata = file.metadata()
    assert list(metadata) == ["glassnet"]
    tensors["b3"] = tensors["b3"] + 1
    safetensors.numpy.save_file(tensors, saved, metadata)
    again, table = load_with_table(saved)
    assert table == {"note": "é"}
    assert np.array_equal(again.weights["b3"], net.weights["b3"] + 1)
    assert np.array_equal(again.weights["W4"], net.weights["W4"])


def test_reading_runs_without_pickle(saved):
    code = (
        "import sys, pickle; pickle.loads = pickle.load = pickle.Unpickler = None\n"
        "import glassnet.files.networks as f; print(f.load(sys.argv[1]).theta.size)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(gn.__file__).parents[1])}
    words = [sys.executable, "-c", code, saved]
    done = subprocess.run(words, check=False, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == str(network().theta.size), done.stderr


# ---- what is not saved ---------------------------------------------------------------------------


class Doubled(gn.Dense):
    pass


class Square(gn.Activation):
    def f(self, z):
        return z * z

    def slope(self, z, a):
        return 2 * z


class Own(gn.SquaredError):
    pass


class Around(gn.Residual):
    pass


def ones_own(rng, shape):
    return np.ones(shape)


OWN = "save: expected glassnet's own layers, activations and losses, got "
NO_CODE = ": a model file holds no code; keep the code and save network.theta with numpy.save"


@pytest.mark.parametrize(
    ("layer", "loss", "why"),
    [
        (Doubled(2), "squared_error", OWN + "Doubled"),
        (gn.Dense(2, Square()), "squared_error", OWN + "Square"),
        (gn.Dense(2), Own(), OWN + "Own"),
        (gn.Dense(2), OWN_LOSS, OWN + "CustomLoss"),
        (gn.Stack([gn.Scale(), Doubled(2)]), "squared_error", OWN + "Doubled"),
        (gn.Concat([[], [gn.Residual(gn.Dense(2, Square()))]]), "squared_error", OWN + "Square"),
        (gn.Concat([[Around([gn.Scale()])]]), "squared_error", OWN + "Around"),
        (Around([]), "squared_error", OWN + "Around"),
        (
            gn.Dense(2, init=ones_own),
            "squared_error",
            "save: expected init to be a name, got a function",
        ),
        (
            gn.Residual([gn.Dense(2, init=lambda rng, shape: np.ones(shape))]),
            "squared_error",
            "save: expected init to be a name, got a function",
        ),
    ],
    ids=range(10),
)
def test_code_of_ones_own_is_refused_by_name(tmp_path, layer, loss, why):
    net = gn.Network([layer, gn.Dense(1)], inputs=2, loss=loss)
    with pytest.raises(TypeError) as caught:
        net.save(tmp_path / "m.safetensors")
    assert str(caught.value) == why + NO_CODE
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_alone(saved, monkeypatch, step):
    old = saved.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="No space left") as caught:
        network(seed=4).save(saved)
    assert caught.value.filename == str(saved)
    assert saved.read_bytes() == old
    assert os.listdir(saved.parent) == [saved.name]


def test_where_no_file_can_be_it_says_so(tmp_path):
    with pytest.raises(OSError, match="expected a file"):
        write_whole(tmp_path, b"")
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_whole(tmp_path / "no" / "m.safetensors", b"")
    for wrong, error in ((tmp_path, OSError), (tmp_path / "none", FileNotFoundError)):
        with pytest.raises(error):
            load(wrong)


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_stays_a_link(saved):
    link = saved.with_name("latest")
    link.symlink_to(saved)
    network(seed=9).save(link)
    assert link.is_symlink()
    assert load_with_table(saved)[0].seed == 9


# ---- what is not read ----------------------------------------------------------------------------


def test_a_file_cut_short_is_refused_at_every_length(saved):
    content = saved.read_bytes()
    for length in range(len(content)):
        saved.write_bytes(content[:length])
        with pytest.raises(ModelFileError, match=r"model\.safetensors: not a glassnet model file"):
            load(saved)
    saved.write_bytes(content + b"\0")
    with pytest.raises(ModelFileError):
        load(saved)


@pytest.mark.parametrize("kind", [network, composite])
@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_file_is_refused_or_is_a_network(saved, seed, kind):
    kind().save(saved)
    content, rng = saved.read_bytes(), random.Random(seed)
    refused = []
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(rng.choice((1, 1, 1, 2, 8))):
            place = rng.randrange(len(damaged))
            damaged[place] = rng.choice(
                (damaged[place] ^ 1 << rng.randrange(8), rng.randrange(256))
            )
        saved.write_bytes(damaged)
        try:
            net = load(saved)
        except ModelFileError as error:
            refused.append(str(error))
        else:
            assert np.isfinite(net.theta).all()
            try:
                assert net.predict(np.zeros((1, net.inputs))).shape == (1, net.outputs)
            except ValueError as error:  # weights that are too large for a result
                if "can hold what the network makes" not in str(error):
                    raise
    assert len(refused) > 100
    assert max(map(len, refused)) < len(str(saved)) + 400
    assert "\n" not in "".join(refused)


NOTHING = {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}  # which fits in before all others


def replace(where, key, value):
    def change(header, about):
        {"header": header, "about": about, "W3": header["W3"], "layer": about["layers"][2]}[where][
            key
        ] = value

    return change


def swap(one, other):
    one["data_offsets"], other["data_offsets"] = other["data_offsets"], one["data_offsets"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda header, about: "[]", "not a JSON object"),
        (lambda header, about: "{", "Expecting"),
        (lambda header, about: "", "Expecting"),
        (lambda header, about: b"\xff\xfe", "decode"),
        (lambda header, about: "[" * 15_000, "recursion"),
        (lambda header, about: '{"version": "\\ud800"}', "half a character"),
        (lambda header, about: '{"a":1,"a":2}', "twice"),
        (lambda header, about: '{"a":NaN}', "NaN"),
        (lambda header, about: '{"a":' + "9" * 5000 + "}", "digits"),
        (lambda header, about: header.pop("__metadata__") and None, "without a glassnet section"),
        (replace("header", "__metadata__", {"glassnet": 3}), "without a glassnet section"),
        (replace("header", "__metadata__", []), "without a glassnet section"),
        (lambda header, about: header.pop("W3") and None, "overlap, or leave gaps"),
        (lambda header, about: header.pop("b4") and None, "expected 160 bytes of weights, got 168"),
        (lambda header, about: header.update(W9=header.pop("W3")), "'W3' is in one of them only"),
        (replace("header", "extra", {}), "extra: expected dtype, shape and data_offsets"),
        (replace("header", "extra", NOTHING), "'extra' is in one of them only"),
        (replace("header", "estimator.x", NOTHING), "'estimator.x' is in one of them only"),
        (replace("W3", "more", 1), "W3: expected dtype, shape and data_offsets"),
        (lambda header, about: about.pop("loss") and None, "no loss"),
        (lambda header, about: about.pop("version") and None, "no version"),
        (replace("about", "version", 3), "has version 3, this glassnet reads versions 1 to 2"),
        (replace("about", "version", 1), "an unknown 'estimator'"),
        (replace("about", "more", 1), "an unknown 'more'"),
        (replace("about", "version", True), "no version"),
        (replace("about", "inputs", 2.0), "expected inputs to be int"),
        (replace("about", "inputs", 3), "expected F64"),
        (replace("about", "inputs", 0), "it has|expected"),
        (replace("about", "inputs", -2), "expected"),
        (replace("about", "inputs", 10**400), "expected F64"),
        (replace("about", "dtype", "float16"), "float16"),
        (replace("about", "dtype", "float32"), "'float32', stored as 'float64'"),
        (replace("about", "dtype", ["float32"]), "expected dtype to be str"),
        (replace("about", "seed", None), "expected seed to be int"),
        (replace("about", "seed", -1), "seed"),
        (replace("about", "layers", {}), "expected layers to be list"),
        (replace("about", "layers", []), "at least one layer with parameters, got none"),
        (replace("about", "layers", [3]), "expected one of Dense"),
        (replace("about", "loss", {"kind": "os.system"}), "os.system"),
        (replace("about", "loss", {"kind": ["squared_error"]}), "expected one of squared_error"),
        (replace("about", "loss", {"kind": "squared_error", "x": 1}), "other settings"),
        (replace("about", "loss", {"kind": "multiclass_cross_entropy"}), "at least 2 outputs"),
        (replace("about", "loss", {"kind": "CustomLoss"}), "'CustomLoss'"),
        (replace("about", "loss", {"kind": "huber", "delta": 0}), "delta: expected"),
        (replace("about", "loss", {"kind": "quantile", "q": "half"}), "q: expected a number"),
        (replace("about", "loss", {"kind": "squared_error", "half": 1}), "half: expected"),
        (replace("about", "frozen", [2]), "layers: expected some of"),
        (replace("about", "frozen", [1, 3, 4]), "at least one layer that learns"),
        (replace("about", "frozen", "all"), "expected frozen to be list, got 'all'"),
        (replace("about", "frozen", 1), "expected frozen to be list, got 1"),
        (replace("about", "frozen", [[1]]), "layers: expected a whole number"),
        (replace("about", "frozen", None), "expected frozen to be list, got None"),
        (replace("about", "stored", "float32"), "'float64', stored as 'float32'"),
        (lambda h, about: about.update(stored="float32", untouched=False), "expected F32"),
        (replace("about", "stored", ["float32"]), "expected stored to be str"),
        (replace("about", "untouched", 1), "expected untouched to be bool"),
        (replace("about", "generators", None), "expected generators to be list"),
        (replace("about", "generators", []), "expected 1 generators, got 0"),
        (replace("about", "generators", [[1, 2, 0, 0]] * 2), "expected 1 generators, got 2"),
        (replace("about", "generators", [[1, 2, 0]]), "generators: expected state, inc"),
        (replace("about", "generators", [[1, 2**128, 0, 0]]), "generators: expected state, inc"),
        (replace("about", "generators", [[1, 2, 2, 0]]), "generators: expected state, inc"),
        (replace("about", "generators", [[1, 2, 0, -1]]), "generators: expected state, inc"),
        (replace("about", "generators", [[True, 2, 0, 0]]), "generators: expected state, inc"),
        (replace("about", "stored", "float16"), "stored as 'float16'"),
        (replace("about", "members", 2), r"expected F64 .2, 1, 2."),
        (replace("about", "members", 0), "members: expected at least 1, got 0"),
        (replace("about", "members", 10**9), "members: expected at most 1000"),
        (replace("about", "members", "two"), "members: expected a whole number"),
        (replace("about", "members", True), "members: expected a whole number"),
        (replace("layer", "kind", "Layer"), "'Layer'"),
        (replace("layer", "units", 10**12), "expected F64"),
        (replace("layer", "units", "4"), "units"),
        (replace("layer", "units", -4), "units"),
        (replace("layer", "rate", 1e999), "finite"),
        (lambda h, about: '{"a":1e999}', "expected finite numbers, got 1e999"),
        (replace("layer", "activation", "tanh"), "expected one of identity"),
        (replace("layer", "activation", {"kind": "nosuch"}), "nosuch"),
        (replace("layer", "activation", {"kind": "tanh", "f": 1}), "other settings"),
        (replace("layer", "activation", {"kind": "elu", "alpha": [1]}), "alpha: expected a number"),
        (replace("layer", "activation", None), "expected one of identity"),
        (replace("layer", "init", "xavier"), "init: expected one of 'zeros'"),
        (replace("layer", "init", ["he"]), "init: expected one of 'zeros'"),
        (lambda header, about: about["layers"][2].pop("units") and None, "other settings"),
        (replace("W3", "dtype", "F16"), "expected F64"),
        (replace("W3", "shape", [4, 2]), r"expected F64 \[2, 4\]"),
        (replace("W3", "shape", "no"), "expected F64"),
        (replace("W3", "data_offsets", [0, 64]), "overlap"),
        (replace("W3", "data_offsets", [0, 63]), "overlap, or leave gaps"),
        (lambda header, about: swap(header["W3"], header["b3"]), "W3: its offsets do not fit"),
        (replace("W3", "data_offsets", [-64, 0]), "two offsets"),
        (replace("W3", "data_offsets", [64, 0]), "two offsets"),
        (replace("W3", "data_offsets", [0.0, 64.0]), "two offsets"),
        (replace("W3", "data_offsets", None), "two offsets"),
        (replace("W3", "data_offsets", [10**30, 10**30 + 64]), "overlap, or leave gaps"),
        (replace("header", "W3", 7), "W3"),
    ],
)
def test_a_forged_header_is_refused_with_its_reason(saved, change, why):
    forge(saved, change)
    with pytest.raises(ModelFileError, match=why) as caught:
        load(saved)
    assert str(caught.value).startswith(f"{saved}: ")


SCALE = {"kind": "Scale"}
STACK = {"kind": "Stack", "layers": [SCALE]}


def nested(kind, depth):
    """Return a layer in a layer, so deep."""
    layer = SCALE
    for _ in range(depth):
        key = "stacks" if kind == "Concat" else "layers"
        inside = {"kind": "Stack", "layers": [layer]} if kind == "Concat" else layer
        layer = {"kind": kind, key: [inside]}
    return layer


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ({"kind": "Stack"}, "other settings"),
        ({"kind": "Stack", "layers": SCALE}, "expected layers to be a list"),
        ({"kind": "Stack", "layers": ["Scale"]}, "expected one of Dense"),
        ({"kind": "Stack", "layers": [{"kind": "builtins.exec"}]}, "builtins.exec"),
        ({"kind": "Stack", "layers": [[SCALE]]}, "expected one of Dense"),
        ({"kind": "Residual", "layers": [{"kind": "Dense", "units": 3}]}, "end in 2 columns"),
        ({"kind": "Concat", "stacks": []}, "stacks: expected"),
        ({"kind": "Concat", "stacks": {}}, "expected stacks to be a list"),
        ({"kind": "Concat", "stacks": [[]]}, "expected one of Stack"),
        ({"kind": "Concat", "stacks": [SCALE]}, "expected one of Stack, got 'Scale'"),
        ({"kind": "Concat", "stacks": [STACK], "layers": []}, "other settings"),
        ({"kind": "Embedding", "columns": [0], "categories": [2]}, "other settings"),
        (
            {"kind": "Embedding", "columns": [], "categories": [], "units": 2},
            "columns: expected at least one",
        ),
        (
            {"kind": "Embedding", "columns": [5], "categories": [2], "units": 2},
            "expected columns 0 to 1",
        ),
        (
            {"kind": "Embedding", "columns": {"0": 1}, "categories": [2], "units": 2},
            "columns: expected a whole number",
        ),
        ({"kind": "Embedding", "columns": [0], "categories": [2], "units": 10**9}, "one of them"),
        ({"kind": "Embedding", "columns": [0], "categories": [10**30], "units": 1}, "one of them"),
        ({"kind": "Dense", "units": 10**12}, "one of them only"),
        ({"kind": "Dense", "units": 1, "rate": -1}, "rate: expected"),
        (STACK, "one of them only"),
        (nested("Stack", 90), "one of them only"),
        (nested("Concat", 40), "one of them only"),
        (nested("Residual", 110), "at most 200 deep"),
        ({"kind": "Stack", "layers": [SCALE] * 5000}, "one of them only"),
        ({"kind": "Concat", "stacks": [STACK] * 2000}, "one of them only"),
        (
            {"kind": "Stack", "layers": [{"kind": "Concat", "stacks": [STACK, STACK]}] * 300},
            "one of them only",
        ),
    ],
    ids=range(26),
)
def test_a_forged_layer_is_refused_before_memory_is_reserved_for_it(saved, layer, why):
    forge(saved, replace("about", "layers", [layer]))
    size = saved.stat().st_size
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=why) as caught:
            load(saved)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    # a description becomes Python objects; no weight is made
    assert peak < 300_000 + 100 * size


def test_a_network_takes_no_more_memory_than_its_file(tmp_path):
    layers = [gn.Embedding(0, 3000, 20), gn.Concat([[gn.Dense(500)], []]), gn.Dense(300)]
    net, path = gn.Network(layers, inputs=200, seed=0), tmp_path / "m.safetensors"
    net.theta[0] = 1.5
    net.save(path)
    size = path.stat().st_size
    del net
    tracemalloc.start()
    try:
        load(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # theta, and a buffer
    assert size < peak < 1.1 * size + 2**19


def test_layers_nested_too_deep_to_be_read_are_not_written(tmp_path):
    layer = gn.Scale()
    for _ in range(110):
        layer = gn.Stack([layer])
    with pytest.raises(ValueError, match="lists and dicts at most 200 deep"):
        gn.Network([layer, gn.Dense(1)], 2).save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_a_text_of_very_many_values_is_refused(saved):
    forge(saved, lambda header, about: "[" + "0," * 1_000_001 + "0]")
    with pytest.raises(ModelFileError, match=r"more than [0-9]+ values"):
        load(saved)


def test_no_text_takes_many_times_the_memory_of_its_file(saved):
    load(saved)
    original = saved.read_bytes()
    for values in (19_000, 100_000, 1_000_000):
        saved.write_bytes(original)
        forge(saved, lambda header, about, n=values: '{"x":[' + "{}," * n + "{}]}")
        tracemalloc.start()
        try:
            with pytest.raises(ModelFileError):
                load(saved)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 3 * saved.stat().st_size + 2**21


def test_half_a_character_is_refused_and_a_whole_one_is_not(saved):
    for text, whole in ((r"\ud83d\ude00", True), (r"a\\ud800", True), (r"\ud800", False)):
        assert any(found[1] for found in HALVES.finditer(text)) != whole
        assert b"?" not in json.loads(f'"{text}"').encode("utf-8", "replace") or not whole


def test_weights_that_are_not_finite_are_not_written(saved):
    before, net = saved.read_bytes(), load(saved)
    net.theta[-1] = np.nan
    with pytest.raises(ValueError, match=r"^save: expected finite weights, got others in "):
        net.save(saved)
    assert saved.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="permissions are other things there")
def test_who_may_not_read_the_old_file_may_not_read_the_new_one(saved):
    saved.chmod(0o600)
    load(saved).save(saved)
    assert saved.stat().st_mode & 0o777 == 0o600


def test_weights_that_are_not_finite_are_refused(saved):
    content = bytearray(saved.read_bytes())
    content[-8:] = np.float64(np.nan).tobytes()
    saved.write_bytes(content)
    with pytest.raises(ModelFileError, match="b4: expected finite numbers"):
        load(saved)


def test_a_header_longer_than_any_network_is_refused(saved):
    with open(saved, "wb") as file:
        file.write((100_000_001).to_bytes(8, "little"))
        file.truncate(100_000_100)
    with pytest.raises(ModelFileError, match="longer than 100000000"):
        load(saved)


def test_other_safetensors_files_are_refused(tmp_path):
    path: Path = tmp_path / "other.safetensors"
    safetensors.numpy.save_file({"W1": np.ones((2, 2))}, path)
    with pytest.raises(ModelFileError, match="without a glassnet section"):
        load(path)


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("place", ["entry", "metadata", "section"])
@pytest.mark.parametrize("text", ["a " * 500_000, "b" * 1_000_000 + "\U0001f600", "日" * 200_000])
def test_what_a_hostile_file_says_at_length_takes_little(
    text: str, place: str, ascii_only: bool, saved: Path
) -> None:
    load(saved)
    section = json.dumps({"version": 2, "a": text}, ensure_ascii=ascii_only)
    places = {
        "entry": {"__metadata__": {"glassnet": "{}"}, "x": text},
        "metadata": {"__metadata__": text},
        "section": {"__metadata__": {"glassnet": section}},
    }
    header = json.dumps(places[place], ensure_ascii=ascii_only).encode()
    saved.write_bytes(len(header).to_bytes(8, "little") + header)
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError) as told:
            load(saved)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # a word of a table may hold any letters; Python has four bytes for each if one needs them
    mixed = place == "section" and ascii_only and text[0] == "b"
    assert peak < (8 if mixed else 2.5) * len(header)
    assert len(str(told.value)) < 500


def test_a_note_of_ones_own_may_hold_any_letters(saved):
    def noted(header, about):
        header["__metadata__"]["note"] = "日本語 \U0001f600"
        return json.dumps(header, ensure_ascii=False).encode()

    forge(saved, noted)
    load(saved)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no such files")
def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(gn.ModelFileError, match="it is a pipe"):
        gn.load(tmp_path / "pipe")
