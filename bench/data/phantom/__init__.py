"""Synthetic patients: a seed and a shape -> a scan whose true label is known."""

from bench.data.phantom.congenital_heart import VERSION, heart
from bench.data.phantom.glioma import GLIOMA_VERSION, framed, glioma
from bench.data.phantom.heart import VERSION as VERSION_1
from bench.data.phantom.heart import heart as heart_v1
from bench.data.phantom.phantom import Phantom
from bench.data.phantom.variants import FORMS, variants_of

__all__ = [
    "FORMS",
    "GLIOMA_VERSION",
    "VERSION",
    "VERSION_1",
    "Phantom",
    "framed",
    "glioma",
    "heart",
    "heart_v1",
    "variants_of",
]
