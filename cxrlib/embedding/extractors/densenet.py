"""torchxrayvision's DenseNet-121 classifiers: pooled features and outputs in one pass.

The architecture is torchxrayvision's; its loader is not called. The embedding is the ReLU
of the last convolutional map, averaged over the map (1024 values); the outputs are the
classifier's values before any sigmoid and without its operating-point scaling. They are no
probabilities of disease.
"""

import contextlib
import hashlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlib.aliases import Progress
from cxrlib.embedding.extractors.weights import WEIGHTS_FILES, load_state, read_weights
from cxrlib.errors import SelectionError, WeightsError
from cxrlib.images import PREPROCESSING, SIDE, preprocess
from cxrlib.storage import ExtractorInfo
from cxrlib.system import with_environment

if TYPE_CHECKING:
    import torch

__all__ = [
    "DensenetExtractor",
    "build_network",
    "choose_device",
    "describe",
    "load",
    "make_untrained_state",
]

N_FEATURES = 1024
UNTRAINED_SEED = 20200918
UNTRAINED = "densenet121-untrained"
UNTRAINED_NOTE = "untrained control"
LUNG_OPACITY = "Lung Opacity"
OUTPUT_NAMES = (
    *("Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema"),
    *("Fibrosis", "Effusion", "Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule"),
    *("Mass", "Hernia", "Lung Lesion", "Fracture", LUNG_OPACITY, "Enlarged Cardiomediastinum"),
)
"""The 18 outputs of the paper's network, as torchxrayvision names them."""
# Tensors that official files hold and that this network has no use for.
IGNORED_KEYS = frozenset({"op_threshs"})
SMALLEST_SCALE = 1e-20  # of a normalisation; below it a channel is constant
RANGE = 1024.5  # preprocessed values end at 1024; half a unit for rounding


class DensenetExtractor:
    """Extract pooled features and outputs with a DenseNet-121.

    Parameters
    ----------
    info : ExtractorInfo
    network : Module
        As `build_network` gives it.
    blank_outputs : ndarray of bool
        Outputs of the network that its weights were never trained for; they are left out.
    device : str
    """

    works_in_prepare = False
    prepare = staticmethod(preprocess)

    def __init__(
        self,
        info: ExtractorInfo,
        network: "torch.nn.Module",
        *,
        blank_outputs: np.ndarray,
        device: str = "auto",
    ) -> None:
        import torch

        self.info = info
        self._kept = np.flatnonzero(~blank_outputs)
        self.device = choose_device(device)
        # Channels last: convolutions read memory in order, 1.5 times as fast on CPU. MPS has
        # no gain from it.
        layout = torch.contiguous_format if self.device == "mps" else torch.channels_last
        self._layout = layout
        folded: Any = _fold(network)
        self._network = folded.to(self.device, memory_format=layout)

    def check_prepared(self, item: np.ndarray) -> str:
        """Return what is wrong with a preprocessed image, or ""."""
        if item.shape != (1, SIDE, SIDE):
            return f"preprocessing gave the shape {item.shape!r}, not (1, {SIDE}, {SIDE})"
        # A comparison with NaN is false: this finds values that are not finite as well.
        if not (item.min() >= -RANGE and item.max() <= RANGE):
            return "preprocessing gave values outside [-1024, 1024]"
        return ""

    def compute(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute embedding and outputs.

        Parameters
        ----------
        batch : ndarray of shape (n_images, 1, 224, 224), float32
            Preprocessed images, in [-1024, 1024].

        Returns
        -------
        embedding : ndarray of shape (n_images, 1024), float32
        outputs : ndarray of shape (n_images, n_outputs), float32
            Before any sigmoid.
        """
        import torch

        for item in batch:
            if problem := self.check_prepared(item):
                raise ValueError(f"The batch cannot be computed on: {problem}.")
        images = torch.from_numpy(np.ascontiguousarray(batch, dtype=np.float32))
        if self.device == "cuda":
            images = images.pin_memory()
        images = images.to(self.device, non_blocking=self.device == "cuda")
        images = images.contiguous(memory_format=self._layout)
        with torch.inference_mode(), _repeatable(self.device):
            embedding = _pooled_features(self._network, images)
            outputs = self._network.classifier(embedding)
        return embedding.cpu().numpy(), outputs.cpu().numpy()[:, self._kept]


def describe(name: str) -> ExtractorInfo:
    """Say what a network gives, as far as its weights do not matter.

    Official weights that were trained on fewer findings have fewer outputs.
    """
    is_control = name == UNTRAINED
    return ExtractorInfo(
        name=name,
        label="DenseNet-121" if is_control else f"DenseNet-121, {name.rsplit('-', 1)[-1]}",
        weights_sha256="",
        preprocessing=PREPROCESSING,
        n_features=N_FEATURES,
        output_names=OUTPUT_NAMES,
        note=UNTRAINED_NOTE if is_control else "",
    )


def load(
    name: str,
    *,
    weights: Path | None = None,
    trust_sha256: str | None = None,
    device: str = "auto",
    on_progress: Progress | None = None,
) -> DensenetExtractor:
    """Load a classifier pretrained by torchxrayvision, or the untrained control.

    See `cxrlib.embedding.extractors.load_extractor`.
    """
    if name == UNTRAINED:
        return _load_untrained(device)
    data, path = read_weights(name, weights=weights, on_progress=on_progress)
    sha256 = hashlib.sha256(data).hexdigest()
    with _quiet_import():
        import torchxrayvision as xrv
    state = load_state(data, sha256, path, extractor=name, trust_sha256=trust_sha256)
    labels = list(xrv.models.model_urls[name]["labels"])
    info = replace(
        describe(name),
        weights_sha256=sha256,
        # Weights trained on fewer findings have blank names: those outputs mean nothing.
        output_names=tuple(label for label in labels if label),
        note="" if sha256 == WEIGHTS_FILES[name].sha256 else "weights not verified",
    )
    blank = np.array([not label for label in labels])
    network = build_network(state, source=path.name)
    return DensenetExtractor(info, network, blank_outputs=blank, device=device)


def _load_untrained(device: str) -> DensenetExtractor:
    """Load the same network with seeded random weights: a control, never a default.

    What a map or a score looks like with these features is what the architecture and the
    images' brightness give for free.
    """
    state = make_untrained_state()
    info = replace(describe(UNTRAINED), weights_sha256=_hash_state(state))
    network = build_network(state, source=UNTRAINED)
    blank = np.zeros(len(OUTPUT_NAMES), bool)
    return DensenetExtractor(info, network, blank_outputs=blank, device=device)


def make_untrained_state() -> dict[str, "torch.Tensor"]:
    """Make the untrained network's weights: same seed, same torch, same weights."""
    import torch

    with _quiet_import():
        import torchxrayvision as xrv
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(UNTRAINED_SEED)
        return dict(xrv.models.DenseNet(weights=None).state_dict())


def build_network(state: dict[str, "torch.Tensor"], *, source: str) -> "torch.nn.Module":
    """Build torchxrayvision's network and fill it with weights, in evaluation mode.

    Parameters
    ----------
    state : dict of str to Tensor
    source : str
        Name of the weights, for messages.

    Raises
    ------
    WeightsError
        When a tensor is missing, left over, of another shape or not finite; names it.
    """
    import torch

    with _quiet_import():
        import torchxrayvision as xrv
    with torch.device("meta"):  # shapes only: no time is lost on weights that go anyway
        network = xrv.models.DenseNet(weights=None)
    expected = network.state_dict()
    _check_state(state, expected, source)
    # Files from before torch 0.4.1 lack the batch counters, which evaluation does not use.
    filled = {name: state.get(name, torch.zeros((), dtype=torch.long)) for name in expected}
    network.load_state_dict(filled, assign=True)
    return network.eval().float()


def _check_state(
    state: dict[str, "torch.Tensor"], expected: dict[str, "torch.Tensor"], source: str
) -> None:
    for name, tensor in expected.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name not in state:
            problem = f"tensor {name!r} is missing"
        elif state[name].shape != tensor.shape:
            shapes = (tuple(state[name].shape), tuple(tensor.shape))
            problem = f"tensor {name!r} has shape {shapes[0]!r} where {shapes[1]!r} is needed"
        elif not np.isfinite(state[name].detach().float().numpy()).all():
            problem = f"tensor {name!r} holds values that are not finite"
        else:
            continue
        raise WeightsError(
            f"Weights {source!r} do not fit torchxrayvision's DenseNet-121: {problem}. "
            "Choose the weights of that network."
        )
    extra = sorted(set(state) - set(expected) - IGNORED_KEYS)
    if extra:
        raise WeightsError(
            f"Weights {source!r} do not fit torchxrayvision's DenseNet-121: tensor {extra[0]!r} "
            "is of another network. Choose the weights of that network."
        )


def _hash_state(state: dict[str, "torch.Tensor"]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        array = state[name].numpy()
        digest.update(f"{name} {array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _fold(network: "torch.nn.Module") -> "torch.nn.Module":
    """Fold every normalisation beside a convolution into it; the numbers stay the same."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    network.requires_grad_(False)
    features: Any = network.features
    features.conv0 = fuse_conv_bn_eval(features.conv0, features.norm0)
    features.norm0 = torch.nn.Identity()
    for name, block in features.named_children():
        if name.startswith("denseblock"):
            for layer in block.children():
                layer.conv1 = fuse_conv_bn_eval(layer.conv1, layer.norm2)
                layer.norm2 = torch.nn.Identity()
                _absorb_first_norm(layer)
    return network


def _absorb_first_norm(layer: "torch.nn.Module") -> None:
    """Turn normalisation and ReLU before a 1 x 1 convolution into a clamp.

    With scale s and shift t, relu(s x + t) is s max(x, -t / s) + t where s is positive and
    s min(x, -t / s) + t where it is negative; s and t then go into the convolution, and one
    pass over the maps is left of three. Where s is nothing, the channel is the constant
    relu(t).
    """
    import torch

    norm: Any = layer.norm1
    conv: Any = layer.conv1
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    shift = norm.bias - norm.running_mean * scale
    constant = scale.abs() < SMALLEST_SCALE
    scale = torch.where(constant, 0.0, scale)
    shift = torch.where(constant, shift.relu(), shift)
    bound = (-shift / scale)[None, :, None, None]
    positive, negative = ((scale * sign > 0)[None, :, None, None] for sign in (1, -1))
    layer.register_buffer("low", torch.where(positive, bound, -torch.inf))
    layer.register_buffer("high", torch.where(negative, bound, torch.inf))
    conv.bias = torch.nn.Parameter(conv.bias + conv.weight[:, :, 0, 0] @ shift, False)
    conv.weight = torch.nn.Parameter(conv.weight * scale[None, :, None, None], False)
    layer.norm1 = torch.nn.Identity()


def _pooled_features(network: "torch.nn.Module", images: "torch.Tensor") -> "torch.Tensor":
    """Run the folded network up to the pooled features.

    A transition averages before its 1 x 1 convolution, not after: both are linear, and there
    are four times fewer pixels to convolve.
    """
    from torch.nn import functional

    features: Any = network.features
    maps = functional.max_pool2d(functional.relu_(features.conv0(images)), 3, 2, 1)
    for name, part in features.named_children():
        if name.startswith("denseblock"):
            maps = _run_block(part, maps)
        elif name.startswith("transition"):
            maps = part.conv(functional.avg_pool2d(functional.relu_(part.norm(maps)), 2, 2))
    return functional.relu_(features.norm5(maps)).mean((2, 3))


def _run_block(block: "torch.nn.Module", maps: "torch.Tensor") -> "torch.Tensor":
    """Run a dense block in one buffer: each layer writes beside what it read."""
    import torch
    from torch.nn import functional

    layers: list[Any] = list(block.children())
    n_images, n_read, height, width = maps.shape
    n_channels = n_read + sum(layer.conv2.out_channels for layer in layers)
    by_channel = maps.is_contiguous(memory_format=torch.channels_last)
    grown = torch.empty(
        (n_images, n_channels, height, width),
        device=maps.device,
        memory_format=torch.channels_last if by_channel else torch.contiguous_format,
    )
    grown[:, :n_read] = maps
    for layer in layers:
        inside = torch.clamp(grown[:, :n_read], layer.low, layer.high)
        new = layer.conv2(functional.relu_(layer.conv1(inside)))
        grown[:, n_read : n_read + new.shape[1]] = new
        n_read += new.shape[1]
    return grown


def choose_device(device: str) -> str:
    """Choose where to compute: "auto" is CUDA, else MPS, else CPU.

    Raises
    ------
    SelectionError
        When the device asked for is not on this machine.
    """
    import torch

    there: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    if device == "auto":
        return next(name for name, is_there in there.items() if is_there())
    if device not in there or not there[device]():
        found = [name for name, is_there in there.items() if is_there()]
        raise SelectionError(
            f"Device {device!r} is not on this machine. Choose 'auto' or one of {found!r}."
        )
    return device


@contextlib.contextmanager
def _repeatable(device: str) -> Iterator[None]:
    """Keep CUDA from rounding to TF32 and from choosing algorithms by the clock."""
    if device != "cuda":
        yield
        return
    import torch

    with torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    ):
        before = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False
        try:
            yield
        finally:
            torch.backends.cuda.matmul.allow_tf32 = before


@contextlib.contextmanager
def _quiet_import() -> Iterator[None]:
    """Import torchxrayvision without its prints and without its silencing of all warnings.

    Torch comes in with it. Its threads then sleep while they wait for each other, rather than
    spin: a network of 120 small layers waits often, and on a machine that also does something
    else (our own workers, say) spinning made it two to twenty times slower. On an idle machine
    it costs some 5 %. OpenMP reads the variable once, when it is loaded.
    """
    asleep = with_environment({"OMP_WAIT_POLICY": "PASSIVE"}, overwrite=False)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), asleep:
        yield
