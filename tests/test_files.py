"""Model files: what is saved comes back to the bit, and nothing else comes in."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import glassnet as gn
from glassnet.files import ModelFileError, load, load_with_table, save_network, write_whole

LOSSES = {
    "squared_error": 1,
    "binary_cross_entropy": 1,
    "multiclass_cross_entropy": 3,
}


def network(loss="squared_error", dtype="float64", activation="tanh", seed=3):
    hidden = gn.Dense(np.int64(4), activation, rate=np.float32(0.5))
    layers = [gn.LayerNorm(), gn.Dropout(0.25), hidden, gn.Dense(LOSSES.get(loss, 3))]
    return gn.Network(layers, inputs=2, loss=loss, dtype=dtype, seed=seed)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model.safetensors"
    save_network(network(), path, {"note": "é"})
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [*LOSSES, gn.MulticlassCrossEntropy(label_smoothing=0.1)])
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu", "gelu"])
def test_a_loaded_network_predicts_the_same_bits(tmp_path, dtype, loss, activation):
    rng = np.random.default_rng(0)
    net, X = network(loss, dtype, activation), rng.standard_normal((50, 2))
    net.theta[...] += rng.standard_normal(net.theta.shape)
    net.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    assert again.predict(X).tobytes() == net.predict(X).tobytes()
    assert again.theta.tobytes() == net.theta.tobytes()
    assert (again.inputs, again.dtype, again.seed) == (net.inputs, net.dtype, net.seed)
    assert (again.layers, again.loss) == (net.layers, net.loss)


def test_fitting_goes_on_from_the_loaded_weights(tmp_path):
    net = network()
    net.weights["W4"][...] = 2.0
    net.save(tmp_path / "m.safetensors")
    again = load(tmp_path / "m.safetensors")
    again.fit(np.eye(2), np.array([[5.0], [6.0]]), epochs=1, optimizer=gn.SGD(0.0))
    assert again.theta.tobytes() == net.theta.tobytes()


def test_the_safetensors_package_reads_and_rewrites_it(saved):
    net = network()
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
        "import glassnet.files as f; print(f.load(sys.argv[1]).theta.size)"
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


@pytest.mark.parametrize(
    ("layer", "loss", "name"),
    [
        (Doubled(2), "squared_error", "Doubled"),
        (gn.Dense(2, Square()), "squared_error", "Square"),
        (gn.Dense(2), Own(), "Own"),
    ],
)
def test_code_of_ones_own_is_refused_by_name(tmp_path, layer, loss, name):
    net = gn.Network([layer, gn.Dense(1)], inputs=2, loss=loss)
    with pytest.raises(TypeError, match=f"got {name}"):
        net.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_stacked_members_are_refused(tmp_path):
    net = network()
    net.spread(3)
    with pytest.raises(ValueError, match="one network, got 3"):
        net.save(tmp_path / "m.safetensors")


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
    assert load(saved).seed == 9


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


@pytest.mark.parametrize("seed", range(5))
def test_a_damaged_file_is_refused_or_is_a_network(saved, seed):
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
    assert len(refused) > 100
    assert max(map(len, refused)) < len(str(saved)) + 400
    assert "\n" not in "".join(refused)


def replace(where, key, value):
    def change(header, about):
        {"header": header, "about": about, "W3": header["W3"], "layer": about["layers"][2]}[where][
            key
        ] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda header, about: "[]", "not a JSON object"),
        (lambda header, about: "{", "Expecting"),
        (lambda header, about: "", "Expecting"),
        (lambda header, about: b"\xff\xfe", "decode"),
        (lambda header, about: "[" * 100_000, "recursion"),
        (lambda header, about: '{"a":1,"a":2}', "twice"),
        (lambda header, about: '{"a":NaN}', "NaN"),
        (lambda header, about: '{"a":' + "9" * 5000 + "}", "digits"),
        (lambda header, about: header.pop("__metadata__") and None, "without a glassnet section"),
        (replace("header", "__metadata__", {"glassnet": 3}), "without a glassnet section"),
        (replace("header", "__metadata__", []), "without a glassnet section"),
        (lambda header, about: header.pop("W3") and None, "'W3' is in one of them only"),
        (replace("header", "extra", {}), "'extra' is in one of them only"),
        (lambda header, about: about.pop("loss") and None, "no loss"),
        (lambda header, about: about.pop("version") and None, "no version"),
        (replace("about", "version", 2), "has version 2, this glassnet reads version 1"),
        (replace("about", "version", True), "no version"),
        (replace("about", "inputs", 2.0), "expected inputs to be int"),
        (replace("about", "inputs", 3), "expected F64"),
        (replace("about", "inputs", 0), "it has|expected"),
        (replace("about", "inputs", -2), "expected"),
        (replace("about", "inputs", 10**400), "expected F64"),
        (replace("about", "dtype", "float16"), "float16"),
        (replace("about", "dtype", "float32"), "expected F32"),
        (replace("about", "dtype", ["float32"]), "expected dtype to be str"),
        (replace("about", "seed", None), "expected seed to be int"),
        (replace("about", "seed", -1), "seed"),
        (replace("about", "layers", {}), "expected layers to be list"),
        (replace("about", "layers", []), "in one of them only"),
        (replace("about", "layers", [3]), "expected one of Dense"),
        (replace("about", "loss", {"kind": "os.system"}), "os.system"),
        (replace("about", "loss", {"kind": ["squared_error"]}), "expected one of squared_error"),
        (replace("about", "loss", {"kind": "squared_error", "x": 1}), "other settings"),
        (replace("about", "loss", {"kind": "multiclass_cross_entropy"}), "other settings"),
        (replace("layer", "kind", "Layer"), "'Layer'"),
        (replace("layer", "units", 10**12), "expected F64"),
        (replace("layer", "units", "4"), "units"),
        (replace("layer", "units", -4), "units"),
        (replace("layer", "rate", 1e999), "finite"),
        (replace("layer", "activation", "tanh"), "expected one of identity"),
        (replace("layer", "activation", {"kind": "nosuch"}), "nosuch"),
        (replace("layer", "activation", {"kind": "tanh", "f": 1}), "other settings"),
        (replace("W3", "dtype", "F16"), "expected F64"),
        (replace("W3", "shape", [4, 2]), r"expected F64 \[2, 4\]"),
        (replace("W3", "shape", "no"), "expected F64"),
        (replace("W3", "data_offsets", [0, 64]), "overlap"),
        (replace("W3", "data_offsets", [0, 63]), "do not fit its shape"),
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


def test_weights_that_are_not_finite_are_refused(saved):
    content = bytearray(saved.read_bytes())
    content[-8:] = np.float64(np.nan).tobytes()
    saved.write_bytes(content)
    with pytest.raises(ModelFileError, match="b4: expected finite numbers"):
        load(saved)


def test_a_header_longer_than_any_network_is_refused(saved):
    with open(saved, "wb") as file:
        file.write((10_000_001).to_bytes(8, "little"))
        file.truncate(10_000_100)
    with pytest.raises(ModelFileError, match="longer than 10000000"):
        load(saved)


def test_other_safetensors_files_are_refused(tmp_path):
    path: Path = tmp_path / "other.safetensors"
    safetensors.numpy.save_file({"W1": np.ones((2, 2))}, path)
    with pytest.raises(ModelFileError, match="without a glassnet section"):
        load(path)
