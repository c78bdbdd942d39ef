"""A scan as the slice viewer reads it: every layer one greyscale PNG with the axial slices side by side."""

from __future__ import annotations

import base64
from io import BytesIO
from math import ceil, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image

from reports.inputs.images import LABEL_LAYERS, WEIGHT_LAYERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reports.inputs.images import Scan

LARGEST: Final = (256, 256, 96)
"""Voxels along I, J, K beyond which a volume is thinned out."""
_DOUBT_STEP: Final = 8  # 32 levels of doubt are more than an eye tells apart, and a third of the bytes


def embedded(scan: Scan) -> dict[str, object]:
    """What the viewer needs of a scan, as JSON can hold it.

    `layers` holds data URIs of 8-bit PNGs: the image from its 0.5th to its 99.5th percentile, label maps as
    they are, and doubt (255 for a weight of 0, or for full disagreement). A slice shows the patient's right
    on the left and anterior above; slices run from inferior to superior.

    Raises:
        ValueError: A layer is unknown, has another shape than the image, or has values out of range.
    """
    steps = tuple(ceil(side / most) for side, most in zip(scan.image_ijk.shape, LARGEST, strict=True))
    thin = tuple(slice(None, None, step) for step in steps)
    volumes = {"image": _grey(scan.image_ijk[thin])}
    for name, layer in scan.layers.items():
        volumes[name] = _shade(name, _checked(scan, name, layer)[thin])
    grid = ceil(sqrt(volumes["image"].shape[2]))
    return {
        "dataset": scan.dataset, "case": scan.case, "part": scan.part, "method": scan.method, "xi": scan.xi,
        "seed": scan.seed, "stage": scan.stage, "structures": list(scan.structures), "before": scan.before,
        "size": list(volumes["image"].shape), "grid": grid, "start": _fullest(volumes),
        "spacing": [float(side * step) for side, step in zip(scan.spacing_mm, steps, strict=True)],
        "note": _note(scan.image_ijk.shape, steps),
        "layers": {name: _sprite(volume, grid) for name, volume in volumes.items()},
    }  # fmt: skip


def _checked(scan: Scan, name: str, layer: NDArray[np.generic]) -> NDArray[np.generic]:
    if name not in (*LABEL_LAYERS, *WEIGHT_LAYERS):
        known = ", ".join((*LABEL_LAYERS, *WEIGHT_LAYERS))
        raise ValueError(f"{scan.case}: layer {name!r} is unknown; known are {known}")
    if layer.shape != scan.image_ijk.shape:
        raise ValueError(
            f"{scan.case}: layer {name!r} has shape {layer.shape}, the image {scan.image_ijk.shape}"
        )
    return layer


def _grey(image_ijk: NDArray[np.float32]) -> NDArray[np.uint8]:
    finite = image_ijk[np.isfinite(image_ijk)]
    low, high = np.percentile(finite, (0.5, 99.5)) if finite.size else (0.0, 1.0)
    scaled = (np.nan_to_num(image_ijk, nan=low) - low) / ((high - low) or 1.0)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)


def _shade(name: str, layer_ijk: NDArray[np.generic]) -> NDArray[np.uint8]:
    if name in LABEL_LAYERS:
        return layer_ijk.astype(np.uint8)
    weight = np.clip(np.nan_to_num(layer_ijk.astype(np.float32)), 0, 1)
    doubt = weight if name == "disagreement" else 1 - weight
    return np.asarray(np.minimum(np.rint(doubt * 255 / _DOUBT_STEP) * _DOUBT_STEP, 255), dtype=np.uint8)


def _fullest(volumes: dict[str, NDArray[np.uint8]]) -> list[int]:
    """Along each axis the slice with the most labelled voxels, or the middle one."""
    for name in LABEL_LAYERS:
        if name in volumes and volumes[name].any():
            mask = volumes[name] > 0
            return [int(mask.sum(axis=axes).argmax()) for axes in ((1, 2), (0, 2), (0, 1))]
    return [side // 2 for side in volumes["image"].shape]


def _note(shape: tuple[int, ...], steps: tuple[int, ...]) -> str:
    """What thinning left out, in words; empty where nothing was."""
    thinned = [
        f"every {step}{'nd' if step == 2 else 'rd' if step == 3 else 'th'} voxel along {axis}"
        for axis, step in zip("IJK", steps, strict=True)
        if step > 1
    ]
    whole = " × ".join(str(side) for side in shape)
    return f"Thinned out for this page: {', '.join(thinned)} of {whole}." if thinned else ""


def _sprite(volume_ijk: NDArray[np.uint8], grid: int) -> str:
    """Axial slices in a square of `grid` by `grid` tiles, row by row, as a data URI."""
    width, height, count = volume_ijk.shape
    sheet = np.zeros((ceil(count / grid) * height, grid * width), dtype=np.uint8)
    for place in range(count):
        top, left = place // grid * height, place % grid * width
        # Radiological: the patient's right on the left (I falls), anterior above (J falls).
        sheet[top : top + height, left : left + width] = volume_ijk[::-1, ::-1, place].T
    file = BytesIO()
    Image.fromarray(sheet).save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
