"""Which operations of a method have no deterministic implementation on a GPU, and how to ask for the others.

On a CPU, with its number of threads given, everything here is deterministic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from methods.interface import Method, StreamConfig

READ_FROM = "2.13.0"
"""The torch whose documentation of ``torch.use_deterministic_algorithms`` the two tables were read from."""
SIDE = 16  # voxels of the patch that a step is tried on: every network here bears it


class Documented(NamedTuple):
    """A line of PyTorch's documentation, and the operations of ATen that it is about."""

    line: str
    operations: tuple[str, ...]  # none: nothing that a dispatched call could be recognised by


def _paddings(kind: str) -> tuple[Documented, ...]:
    when = "when attempting to differentiate a CUDA tensor"
    return tuple(
        Documented(f"torch.nn.{kind.capitalize()}Pad{axes}d {when}", (f"{kind}_pad{axes}d_backward",))
        for axes in (1, 2, 3)
    )


_CONVOLUTIONS = tuple(
    Documented(f"torch.nn.{name}{axes}d when called on CUDA tensor", (f"{operation}{axes}d",))
    for name, operation in (("Conv", "conv"), ("ConvTranspose", "conv_transpose"))
    for axes in (1, 2, 3)
)
MADE_DETERMINISTIC: tuple[Documented, ...] = (
    *_CONVOLUTIONS,
    *_paddings("replication"),
    Documented("torch.bmm when called on sparse-dense CUDA tensors", ()),
    Documented(
        "torch.Tensor.__getitem__ when attempting to differentiate a CPU tensor and the index is a list of"
        " tensors",
        (),
    ),
    Documented("torch.Tensor.index_put with accumulate=False", ("index_put[False]",)),
    Documented(
        "torch.Tensor.index_put with accumulate=True when called on a CPU tensor", ("index_put[True]",)
    ),
    Documented("torch.Tensor.put_ with accumulate=True when called on a CPU tensor", ()),
    Documented("torch.Tensor.scatter_add_ when called on a CUDA tensor", ("scatter_add",)),
    Documented("torch.gather when called on a CUDA tensor that requires grad", ("gather",)),
    Documented("torch.index_add when called on CUDA tensor", ("index_add",)),
    Documented("torch.index_select when attempting to differentiate a CUDA tensor", ("index_select",)),
    Documented(
        "torch.repeat_interleave when attempting to differentiate a CUDA tensor", ("repeat_interleave",)
    ),
    Documented("torch.Tensor.index_copy when called on a CPU or CUDA tensor", ("index_copy",)),
    Documented("torch.Tensor.scatter when src type is Tensor and called on CUDA tensor", ("scatter.src",)),
    Documented(
        "torch.Tensor.scatter_reduce when reduce='sum' or reduce='mean' and called on CUDA tensor",
        ("scatter_reduce[sum]", "scatter_reduce[mean]"),
    ),
    Documented(
        "torch.nn.MaxPool3d when attempting to differentiate a CUDA tensor",
        ("max_pool3d_with_indices_backward",),
    ),
)
"""Nondeterministic on a GPU by default, deterministic under ``--deterministic``."""


def _differentiated(layers: Mapping[str, str]) -> tuple[Documented, ...]:
    when = "when attempting to differentiate a CUDA tensor"
    return tuple(Documented(f"torch.nn.{name} {when}", (operation,)) for name, operation in layers.items())


WITHOUT: tuple[Documented, ...] = (
    *_differentiated(
        {
            "AvgPool3d": "avg_pool3d_backward",
            "AdaptiveAvgPool2d": "_adaptive_avg_pool2d_backward",
            "AdaptiveAvgPool3d": "_adaptive_avg_pool3d_backward",
            "AdaptiveMaxPool2d": "adaptive_max_pool2d_backward",
            "FractionalMaxPool2d": "fractional_max_pool2d_backward",
            "FractionalMaxPool3d": "fractional_max_pool3d_backward",
        }
    ),
    Documented("torch.nn.MaxUnpool1d", ("max_unpool2d",)),  # 1-D is 2-D underneath
    Documented("torch.nn.MaxUnpool2d", ("max_unpool2d",)),
    Documented("torch.nn.MaxUnpool3d", ("max_unpool3d",)),
    Documented(
        "torch.nn.functional.interpolate when attempting to differentiate a CUDA tensor and one of the"
        " following modes is used: linear, bilinear, bicubic, trilinear",
        (
            "upsample_linear1d_backward",
            "upsample_bilinear2d_backward",
            "upsample_bicubic2d_backward",
            "upsample_trilinear3d_backward",
        ),
    ),
    *_paddings("reflection"),
    Documented("torch.nn.NLLLoss when called on a CUDA tensor", ("nll_loss2d_forward", "nll_loss_forward")),
    Documented("torch.nn.CTCLoss when attempting to differentiate a CUDA tensor", ("_ctc_loss_backward",)),
    Documented(
        "torch.nn.EmbeddingBag when attempting to differentiate a CUDA tensor when mode='max'",
        ("_embedding_bag_dense_backward",),
    ),
    Documented("torch.Tensor.put_ when accumulate=False", ("put",)),
    Documented("torch.Tensor.put_ when accumulate=True and called on a CUDA tensor", ("put",)),
    Documented("torch.histc when called on a CUDA tensor", ("histc",)),
    Documented(
        "torch.bincount when called on a CUDA tensor and weights tensor is given", ("bincount[weights]",)
    ),
    Documented(
        "torch.median with indices output when called on a CUDA tensor", ("median.dim", "nanmedian.dim")
    ),
    Documented(
        "torch.nn.functional.grid_sample when attempting to differentiate a CUDA tensor",
        ("grid_sampler_2d_backward", "grid_sampler_3d_backward"),
    ),
    Documented(
        "torch.cumsum when called on a CUDA tensor when dtype is floating point or complex",
        ("cumsum[float]",),
    ),
    Documented(
        "torch.Tensor.scatter_reduce when reduce='prod' and called on CUDA tensor", ("scatter_reduce[prod]",)
    ),
    Documented("torch.Tensor.resize_ when called with a quantized tensor", ()),
)
"""Without a deterministic implementation on a GPU: under ``--deterministic`` each is noted when it runs."""


def documented(table: Sequence[Documented], operations: set[str]) -> dict[str, str]:
    """Operation -> the line of a table that it is in, of those that are in it."""
    return {name: entry.line for entry in table for name in entry.operations if name in operations}


def operations_of(method: Method, channels: int, classes: int, stream: StreamConfig) -> set[str]:
    """The operations of ATen in one tiny step, prediction, study and revision of a method, on the CPU."""
    from torch.utils._python_dispatch import TorchDispatchMode

    from bench.seeding import torch_stream

    found: set[str] = set()

    class Listening(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(
            self,
            func: Any,  # noqa: ANN401
            types: Any,  # noqa: ANN401
            args: tuple[Any, ...] = (),
            kwargs: dict[str, Any] | None = None,
        ) -> Any:  # noqa: ANN401
            found.update(_names(func, args, kwargs or {}))
            return func(*args, **(kwargs or {}))

    with torch_stream("determinism", method.name):
        network = method.network(channels, classes, stream)
        with Listening():  # type: ignore[no-untyped-call]
            _everything_once(method, network, channels, classes)
    return found


def _everything_once(method: Method, network: Any, channels: int, classes: int) -> None:  # noqa: ANN401
    """Studies and revisions of labels where a method does any, training steps, and a prediction."""
    import torch

    from methods.interface import AfterStep, Batch, Case, Revises, Studies

    image_bcijk = torch.randn(2, channels, SIDE, SIDE, SIDE)
    label_bijk = torch.randint(classes, (2, SIDE, SIDE, SIDE))
    judged_bnijk = torch.rand(2, classes, SIDE, SIDE, SIDE).softmax(dim=1)

    def predict(image_cijk: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return method.probabilities(network.eval(), image_cijk[None])[0]

    predict(image_bcijk[0])
    case = Case("tried", image_bcijk[0], label_bijk[0].to(torch.uint8), False, judged_nijk=judged_bnijk[0])  # noqa: FBT003
    target_bnijk = None
    if isinstance(method, Studies):
        with torch.no_grad():
            targets = method.study(network, [case], predict, method.studies[0])
        target_bnijk = judged_bnijk if targets else None
    if isinstance(method, Revises):
        method.revise([case], predict, 0.5)
    batch = Batch(image_bcijk, label_bijk, torch.tensor([True, False]), target_bnijk)
    for progress in (0.1, 0.9):  # some methods begin otherwise than they end
        loss = method.loss(network.train(), batch, progress)
        if loss is not None:
            loss.backward()  # type: ignore[no-untyped-call]
    if isinstance(method, AfterStep):
        method.after_step(network, 1)


def _names(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> set[str]:  # noqa: ANN401
    """What the tables call an operation, by its arguments where they decide."""
    packet, overload = str(func).removeprefix("aten.").rsplit(".", 1)
    name = packet.removesuffix("_") if not packet.startswith("_") else packet
    given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
    special: Mapping[str, Callable[[], str]] = {
        "convolution": lambda: _convolution(given[0], given[6]),
        "convolution_backward": lambda: _convolution(given[1], given[7]),
        "cumsum": lambda: "cumsum[float]" if given[0].is_floating_point() else name,
        "bincount": lambda: name if given.get(1, given.get("weights")) is None else "bincount[weights]",
        "index_put": lambda: f"index_put[{bool(given.get(3, given.get('accumulate', False)))}]",
        "scatter_reduce": lambda: f"scatter_reduce[{given.get(4, given.get('reduce'))}]",
    }
    return {special[name]() if name in special else name, f"{name}.{overload}"}


def _convolution(image: Any, is_transposed: bool) -> str:  # noqa: ANN401, FBT001 - a tensor; ATen's argument
    return f"conv{'_transpose' if is_transposed else ''}{image.dim() - 2}d"
