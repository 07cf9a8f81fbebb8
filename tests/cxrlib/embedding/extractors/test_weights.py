"""Test which weights files are opened, how, and what is said of the others."""

import dataclasses
import hashlib
import http.server
import importlib
import os
import threading
import time
import warnings

import numpy as np
import pytest

from cxrlib.embedding.extractors import find_weights, load_extractor, weights
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.images import preprocess
from cxrlib.system import http_download
from tests.faulty_server import Served, faulty_server

ALL = "densenet121-res224-all"


@pytest.fixture(scope="module")
def torch():
    """Give torch."""
    return importlib.import_module("torch")


@pytest.fixture(scope="module")
def network():
    """Give torchxrayvision's network with weights of its own."""
    with warnings.catch_warnings():
        xrv = importlib.import_module("torchxrayvision")
    torch = importlib.import_module("torch")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return xrv.models.DenseNet(weights=None).eval()


@pytest.fixture(scope="module")
def state_file(network, torch, tmp_path_factory):
    """Save a plain state dict."""
    path = tmp_path_factory.mktemp("weights") / "state.pt"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def pickle_file(network, torch, tmp_path_factory):
    """Save the whole module, as torchxrayvision publishes its weights."""
    path = tmp_path_factory.mktemp("weights") / "module.pt"
    torch.save(network, path)
    return path


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Move the home folder, so that no weights of this machine are found."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def hash_file(path):
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path, name=ALL, **options):
    """Load a network on the CPU from a weights file."""
    return load_extractor(name, weights=path, device="cpu", **options)


def compare(extractor, network, torch):
    """Compare an extractor with the network its weights came from."""
    batch = preprocess(np.random.default_rng(0).integers(0, 256, (250, 250), np.uint8))[np.newaxis]
    with torch.inference_mode():
        expected = network(torch.from_numpy(batch)).numpy()
    outputs = extractor.compute(batch)[1]
    assert np.abs(outputs - expected).max() < 1e-4 * np.abs(expected).mean()


def test_state_dict_needs_no_trust(state_file, network, torch):
    """A plain state dict is loaded as it is, its hash goes into the info."""
    extractor = load(state_file)
    compare(extractor, network, torch)
    assert extractor.info.weights_sha256 == hash_file(state_file)
    assert extractor.info.note == "weights not verified"
    assert len(extractor.info.output_names) == 18


def test_old_format_state_dict(network, torch, tmp_path):
    """The format of torch before 1.6 is read too."""
    path = tmp_path / "old.pt"
    torch.save(network.state_dict(), path, _use_new_zipfile_serialization=False)
    compare(load(path), network, torch)


def test_pickle_is_refused_unless_trusted(pickle_file, network, torch):
    """A whole module is refused, with the way out; with its hash it is loaded."""
    sha256 = hash_file(pickle_file)
    with pytest.raises(WeightsError, match="--trust-sha256") as caught:
        load(pickle_file)
    assert sha256 in str(caught.value)
    compare(load(pickle_file, trust_sha256=sha256.upper()), network, torch)


def test_known_hash_is_opened_without_asking(pickle_file, network, torch, monkeypatch):
    """The official file is known by its hash, in whatever place."""
    known = dataclasses.replace(weights.WEIGHTS_FILES[ALL], sha256=hash_file(pickle_file))
    monkeypatch.setitem(weights.WEIGHTS_FILES, ALL, known)
    extractor = load(pickle_file)
    compare(extractor, network, torch)
    assert extractor.info.note == ""
    with pytest.raises(WeightsError, match=f"weights of '{ALL}', not of 'densenet121-res224-nih'"):
        load(pickle_file, "densenet121-res224-nih")


def test_wrong_trust_is_refused(pickle_file):
    """Another hash, or no hash at all, opens nothing."""
    with pytest.raises(WeightsError, match="was not opened"):
        load(pickle_file, trust_sha256="0" * 64)
    with pytest.raises(WeightsError, match="is no SHA-256"):
        load(pickle_file, trust_sha256="yes")


class Malicious:
    """Make a folder when unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("new_format", [True, False])
def test_malicious_file_is_not_run(torch, tmp_path, new_format):
    """Code in a file is not run: not as a module, not hidden in a state dict."""
    target = tmp_path / "run"
    for content in (Malicious(str(target)), {"features.conv0.weight": Malicious(str(target))}):
        path = tmp_path / "bad.pt"
        torch.save(content, path, _use_new_zipfile_serialization=new_format)
        with pytest.raises(WeightsError, match="not opened unasked"):
            load(path)
        assert not target.exists()
    # The trap itself works: a trusted hash does run it.
    with pytest.raises(WeightsError):
        load(path, trust_sha256=hash_file(path))
    assert target.exists()


def test_weights_with_blank_outputs_drop_them(state_file):
    """Weights trained on two findings give two outputs, in the right places."""
    two = load(state_file, "densenet121-res224-rsna")
    everything = load(state_file)
    assert two.info.output_names == ("Pneumonia", "Lung Opacity")
    assert two.info.key != everything.info.key
    batch = preprocess(np.random.default_rng(0).integers(0, 256, (250, 250), np.uint8))[np.newaxis]
    columns = [everything.info.output_names.index(name) for name in two.info.output_names]
    np.testing.assert_array_equal(two.compute(batch)[1], everything.compute(batch)[1][:, columns])


def change_state(network, torch, kind):
    """Make a state dict that does not fit."""
    state = dict(network.state_dict())
    if kind == "missing":
        del state["features.norm5.weight"]
    elif kind == "shape":
        state["classifier.weight"] = torch.zeros(14, 1024)
    elif kind == "extra":
        state["fc.weight"] = torch.zeros(2)
    elif kind == "nan":
        state["classifier.bias"] = torch.full((18,), float("nan"))
    elif kind == "no tensor":
        state["epoch"] = 7
    return state


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "tensor 'features.norm5.weight' is missing"),
        ("shape", r"tensor 'classifier.weight' has shape \(14, 1024\) where \(18, 1024\)"),
        ("extra", "tensor 'fc.weight' is of another network"),
        ("nan", "tensor 'classifier.bias' holds values that are not finite"),
        ("no tensor", "its entry 'epoch' is no tensor"),
    ],
)
def test_wrong_weights_name_the_first_mismatch(network, torch, tmp_path, kind, message):
    """A state dict of another network says which tensor does not fit."""
    path = tmp_path / "wrong.pt"
    torch.save(change_state(network, torch, kind), path)
    with pytest.raises(WeightsError, match=message):
        load(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html>Not found</html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"PK\x03\x04 not really", "damaged, cut short or a pickle"),
        (b"\x80\x02}q\x00.", "damaged, cut short or a pickle"),
        (os.urandom(5000), "damaged, cut short or a pickle"),
    ],
)
def test_what_is_no_weights_file_says_so(tmp_path, data, message):
    """Everything that may lie there by mistake is a WeightsError in words."""
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match=message):
        load(path)


def test_truncated_file(state_file, tmp_path):
    """Half a file is refused, with the size and hash of the right one."""
    path = tmp_path / "half.pt"
    path.write_bytes(state_file.read_bytes()[:1_000_000])
    with pytest.raises(WeightsError, match=r"1,000,000 bytes.*28,382,008 bytes"):
        load(path)


def test_missing_file(tmp_path):
    """A file that is not there is named."""
    with pytest.raises(WeightsError, match=r"nowhere.pt' cannot be read: there is no such file"):
        load(tmp_path / "nowhere.pt")


def test_found_in_torchxrayvisions_folder(home, state_file):
    """Weights that torchxrayvision downloaded are found and used."""
    assert find_weights(ALL) is None
    assert find_weights("texture") is None
    folder = home / ".torchxrayvision" / "models_data"
    folder.mkdir(parents=True)
    path = folder / weights.WEIGHTS_FILES[ALL].file_name
    path.write_bytes(state_file.read_bytes())
    assert find_weights(ALL) == path
    assert load(None).info.weights_sha256 == hash_file(state_file)


@pytest.fixture
def server(tmp_path):
    """Serve files from a folder on this machine."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, directory=str(folder), **options)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture
def official(server, home, state_file, monkeypatch):
    """Make the served state dict the official file."""
    folder, address = server
    data = state_file.read_bytes()
    known = dataclasses.replace(
        weights.WEIGHTS_FILES[ALL], n_bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    monkeypatch.setitem(weights.WEIGHTS_FILES, ALL, known)
    monkeypatch.setattr(weights, "BASE_URL", address)
    return folder / known.file_name, data


def test_download_reports_and_is_kept(official, home):
    """A download shows how far it is, is checked, and is there the next time."""
    path, data = official
    path.write_bytes(data)
    calls = []
    load(None, on_progress=lambda *call: calls.append(call))
    assert calls[-1][1:] == (len(data), len(data))
    assert {stage for stage, *_ in calls} == {"Downloading weights"}
    path.unlink()
    load(None)
    assert len(list((home / ".torchxrayvision" / "models_data").iterdir())) == 1


@pytest.mark.parametrize("change", ["other", "short", "long", "absent"])
def test_bad_download_leaves_nothing(official, home, change):
    """Another file, a cut or endless one, or none: an error, and no file is left."""
    path, data = official
    if change != "absent":
        changed = {"other": data[:-1] + b"x", "short": data[:-9], "long": data + b"x"}[change]
        path.write_bytes(changed)
    with pytest.raises(WeightsError, match=r"could not be downloaded.*'texture'"):
        load(None)
    assert list((home / ".torchxrayvision" / "models_data").iterdir()) == []


def test_without_network_a_clear_error_in_seconds(home, monkeypatch):
    """No network: what to put where, its size and hash, within seconds."""
    monkeypatch.setattr(weights, "BASE_URL", "http://127.0.0.1:9/")
    started = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        load_extractor(ALL)
    assert time.monotonic() - started < 30  # five attempts with pauses would take longer
    for part in ("28,382,008 bytes", "56524913dd16a906", str(home), "--weights FILE", "kaggle-"):
        assert part in str(caught.value)


def test_a_broken_download_is_resumed(official, home, monkeypatch):
    """What came before the connection broke is not fetched again."""
    _, data = official
    file = weights.WEIGHTS_FILES[ALL]
    with faulty_server() as server:
        monkeypatch.setattr(weights, "BASE_URL", server.url("/"))
        faults = ["drop:1000000", *["status:503:0"] * http_download.RETRIES]
        server.answers[f"/{file.file_name}"] = Served(data, faults=faults)
        with pytest.raises(WeightsError, match=r"503 .*1\.0 MB are kept.*'texture'"):
            weights.download_weights(ALL)
        assert find_weights(ALL) is None
        assert weights.download_weights(ALL).read_bytes() == data
        assert weights.download_weights(ALL) == find_weights(ALL)
        kept = 1_000_000 // http_download.BLOCK * http_download.BLOCK
        assert server.ranges_asked() == [
            "bytes=0-",
            *[f"bytes={kept}-"] * (http_download.RETRIES + 1),
        ]


def test_download_weights_names_what_is_wrong(official, home):
    """No such extractor, or a file of that name that is another one."""
    with pytest.raises(SelectionError, match=r"called 'texture'\. There are: densenet121-"):
        weights.download_weights("texture")
    folder = home / ".torchxrayvision" / "models_data"
    folder.mkdir(parents=True)
    (folder / weights.WEIGHTS_FILES[ALL].file_name).write_bytes(b"other")
    with pytest.raises(WeightsError, match="damaged or another file"):
        weights.download_weights(ALL)


def test_unknown_hash_is_not_downloaded(home):
    """Other official weights are pickles of unknown hash: the error says what to do."""
    with pytest.raises(WeightsError, match=r"hash is not known.*--trust-sha256"):
        load_extractor("densenet121-res224-nih")


def test_full_disk_during_download(official, home, monkeypatch):
    """No space for the download is said as such."""
    path, data = official
    path.write_bytes(data)
    folder = home / ".torchxrayvision"
    folder.write_text("in the way")
    with pytest.raises(WeightsError, match="a file is where a folder should be"):
        load(None)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_weights_that_are_no_file(tmp_path, kind):
    """A pipe is not waited for and a device not read for ever."""
    path = tmp_path / "w.pt"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(WeightsError, match=r"not a regular file|it is a folder"):
        weights.read_weights(ALL, weights=path)
