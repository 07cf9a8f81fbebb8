"""Test the extractors: the same numbers as torchxrayvision, and what may be asked for."""

import importlib
import subprocess
import sys
import warnings

import numpy as np
import pytest

from cxrlib.embedding.extractors import EXTRACTOR_NAMES, ExtractorInfo, load_extractor
from cxrlib.embedding.extractors.texture import OUTPUT_NAMES, ZONES, _zone, prepare_texture
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.images import preprocess


@pytest.fixture(scope="module")
def xrv():
    """Give torchxrayvision, leaving warnings as they were."""
    with warnings.catch_warnings():
        return importlib.import_module("torchxrayvision")


@pytest.fixture(scope="module")
def untrained():
    """Give the untrained control on the CPU."""
    return load_extractor("densenet121-untrained", device="cpu")


@pytest.fixture(scope="module")
def batch():
    """Give four different preprocessed images."""
    rng = np.random.default_rng(0)
    return np.stack([preprocess(rng.integers(0, 256, (230, 260), np.uint8)) for _ in range(4)])


def make_chest(side=448):
    """Make a crude frontal chest: grey body, dark lungs, bright spine, some grain."""
    image = np.full((side, side), 150.0)
    image[:, side * 46 // 100 : side * 54 // 100] = 220
    for start in (14, 58):
        image[
            side * 15 // 100 : side * 80 // 100, side * start // 100 : side * (start + 28) // 100
        ] = 60
    return image + np.random.default_rng(0).normal(0, 4, image.shape)


def to_pixels(image):
    """Round to 8 bits."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def randomise_norms(network, torch):
    """Give normalisations statistics as training would: some negative and tiny scales too."""
    torch.manual_seed(0)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.weight, 0.8, 0.5)
            torch.nn.init.normal_(module.bias, 0, 0.3)
            with torch.no_grad():  # dead channels, with either sign of the shift
                module.weight[:8] = torch.tensor([0, 0, 1e-30, -1e-30, 1e-12, -1e-12, 1e-6, -1e-6])
                module.bias[:8] = torch.tensor([0.4, -0.4]).repeat(4)
            module.running_mean.normal_(0, 0.5)
            module.running_var.uniform_(0.3, 2)
    return network.eval()


def test_names_are_those_of_torchxrayvision(xrv):
    """Every DenseNet of torchxrayvision is offered, with its address."""
    table = {k: v["weights_url"] for k, v in xrv.models.model_urls.items() if "densenet" in k}
    assert {name: file.url for name, file in WEIGHTS_FILES.items()} == table
    assert (*WEIGHTS_FILES, "densenet121-untrained", "texture") == EXTRACTOR_NAMES
    assert EXTRACTOR_NAMES[0] == "densenet121-res224-all"


def test_unknown_extractor_and_device():
    """What does not exist is refused, with what does."""
    with pytest.raises(SelectionError, match="'resnet' is not known"):
        load_extractor("resnet")
    with pytest.raises(SelectionError, match="Device 'abacus' is not on this machine"):
        load_extractor("densenet121-untrained", device="abacus")
    with pytest.raises(SelectionError, match="does not run on 'cuda'"):
        load_extractor("texture", device="cuda")


def test_weights_are_refused_where_none_are_taken(tmp_path):
    """A weights file for an extractor without one is a mistake, not ignored."""
    for name in ("texture", "densenet121-untrained"):
        with pytest.raises(WeightsError, match="takes no weights file"):
            load_extractor(name, weights=tmp_path / "x.pt")


def test_folded_network_equals_torchxrayvision(xrv, batch):
    """Folding and the order of averaging change nothing: features2 and classifier, 1e-4."""
    torch = importlib.import_module("torch")
    densenet = importlib.import_module("cxrlib.embedding.extractors.densenet")
    network = randomise_norms(xrv.models.DenseNet(weights=None), torch)
    with torch.inference_mode():
        embedding = network.features2(torch.from_numpy(batch / 100))
        outputs = network.classifier(embedding).numpy()
    info = ExtractorInfo("toy", "Toy", "", "v1", 1024, tuple(f"o{i}" for i in range(18)))
    built = densenet.build_network(network.state_dict(), source="test")
    extractor = densenet.DensenetExtractor(
        info, built, blank_outputs=np.zeros(18, bool), device="cpu"
    )
    ours = extractor.compute(batch / 100)
    for mine, theirs in zip(ours, (embedding.numpy(), outputs), strict=True):
        assert mine.dtype == np.float32
        assert np.abs(mine - theirs).max() < 1e-4 * np.abs(theirs).mean()


def test_untrained_is_repeatable_and_leaves_random_numbers_alone(untrained, batch):
    """Same seed, same weights, same numbers; the caller's generator does not move."""
    torch = importlib.import_module("torch")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    again = load_extractor("densenet121-untrained", device="cpu")
    assert torch.rand(1) == expected
    assert again.info == untrained.info
    assert len(again.info.weights_sha256) == 64
    assert again.info.note == "untrained control"
    np.testing.assert_array_equal(again.compute(batch)[0], untrained.compute(batch)[0])


def test_untrained_embeddings_are_finite_and_vary(untrained, batch):
    """The control gives usable numbers."""
    embedding, outputs = untrained.compute(batch)
    assert embedding.shape == (4, 1024)
    assert outputs.shape == (4, 18)
    assert np.isfinite(embedding).all()
    assert (embedding.std(axis=0) > 0).mean() > 0.5


def test_numbers_do_not_depend_on_the_batch(untrained, batch):
    """An image alone and in company gives the same, within rounding."""
    together = untrained.compute(batch)[0]
    alone = np.concatenate([untrained.compute(batch[i : i + 1])[0] for i in range(4)])
    assert np.abs(together - alone).max() < 1e-5 * np.abs(alone).mean()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda x: x[:, :, :100], "shape"),
        (lambda x: x * 2, "outside"),
        (lambda x: x * np.nan, "outside"),
        (lambda x: x + np.inf, "outside"),
    ],
)
def test_range_shape_and_finiteness_are_checked(untrained, batch, change, problem):
    """What is no preprocessed image is refused before the network."""
    assert untrained.check_prepared(batch[0]) == ""
    assert problem in untrained.check_prepared(change(batch)[0])
    with pytest.raises(ValueError, match="cannot be computed on"):
        untrained.compute(change(batch))


def test_loading_leaves_warnings_and_output_alone():
    """Torchxrayvision silences all warnings and prints; our loading does not."""
    code = (
        "import warnings; before = list(warnings.filters)\n"
        "from cxrlib.embedding.extractors import load_extractor\n"
        "load_extractor('densenet121-untrained', device='cpu')\n"
        "assert not any(f[0] == 'ignore' and f[2] is Warning and f[1] is None\n"
        "               for f in warnings.filters if f not in before), warnings.filters"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == ""


def test_texture_shape_and_names():
    """Eight outputs by name, a finite embedding of the promised length."""
    extractor = load_extractor("texture")
    item = extractor.prepare(to_pixels(make_chest()))
    assert extractor.check_prepared(item) == ""
    assert extractor.check_prepared(item[:-1]) != ""
    assert "not finite" in extractor.check_prepared(item * np.nan)
    embedding, outputs = extractor.compute(item[np.newaxis])
    assert embedding.shape == (1, extractor.info.n_features)
    assert outputs.shape == (1, 8)
    assert extractor.info.output_names == OUTPUT_NAMES
    assert embedding.min() >= -1
    assert embedding.max() <= 1


def test_texture_does_not_depend_on_exposure():
    """Brightness and contrast change nothing: the outputs are ranks."""
    image = make_chest()
    plain = prepare_texture(to_pixels(image))
    exposed = prepare_texture(to_pixels(0.6 * image + 40))
    np.testing.assert_allclose(exposed[:8], plain[:8], atol=1)
    difference = np.linalg.norm(exposed[8:] - plain[8:]) / np.linalg.norm(plain[8:])
    assert difference < 0.1


@pytest.mark.parametrize("number", range(6))
def test_texture_reacts_to_an_opacity_in_its_zone(number):
    """A brighter patch in one zone raises that zone most, and the mean."""
    image = make_chest()
    before = prepare_texture(to_pixels(image))[:8]
    rows, columns = _zone(*ZONES[number])
    image[rows.start * 2 : rows.stop * 2, columns.start * 2 : columns.stop * 2] += 70
    change = prepare_texture(to_pixels(image))[:8] - before
    assert np.argmax(change[:6]) == number
    assert change[number] > 10
    assert change[6] > 0.2  # others sink a little: ranks are shares of the image
    assert np.sign(change[7]) == (1 if ZONES[number][1] == "right" else -1)


def test_texture_mirrored_swaps_the_sides():
    """Right is the patient's right: mirroring swaps zones and turns asymmetry around."""
    image = make_chest()
    image[120:180, 70:170] += 70
    plain = prepare_texture(to_pixels(image))[:8]
    mirrored = prepare_texture(to_pixels(image)[:, ::-1].copy())[:8]
    np.testing.assert_allclose(mirrored[[3, 4, 5, 0, 1, 2]], plain[:6], atol=0.5)
    assert mirrored[7] == pytest.approx(-plain[7], abs=0.5)
    assert plain[7] > 1


def test_texture_of_a_plain_image_is_finite():
    """An image of one value is mid-rank everywhere, without a warning."""
    item = prepare_texture(np.full((300, 300), 7, np.uint8))
    assert np.isfinite(item).all()
    np.testing.assert_allclose(item[:7], 50)


@pytest.mark.slow
def test_real_embeddings_equal_torchxrayvision(real_root, xrv, untrained):
    """On real files our whole path equals torchxrayvision's own, same weights, 1e-4."""
    torch = importlib.import_module("torch")
    densenet = importlib.import_module("cxrlib.embedding.extractors.densenet")
    imread = importlib.import_module("skimage.io").imread
    images = importlib.import_module("cxrlib.images.image_files")
    network = densenet.build_network(densenet.make_untrained_state(), source="test")
    crop, resize = xrv.datasets.XRayCenterCrop(), xrv.datasets.XRayResizer(224)
    for path in sorted((real_root / "images").iterdir())[::30]:
        theirs = resize(crop(xrv.datasets.normalize(imread(path), 255, reshape=True)))
        with torch.inference_mode():
            expected = network.features2(torch.from_numpy(theirs[np.newaxis])).numpy()
        ours = untrained.compute(preprocess(images.read_image(path))[np.newaxis])[0]
        assert np.abs(ours - expected).max() < 1e-4 * np.abs(expected).mean(), path.name
