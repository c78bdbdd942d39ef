"""Synthetic patients: a seed and a shape -> a scan whose true label is known."""

from bench.data.phantom.glioma import GLIOMA_VERSION, framed, glioma
from bench.data.phantom.heart import VERSION, heart
from bench.data.phantom.phantom import Phantom

__all__ = ["GLIOMA_VERSION", "VERSION", "Phantom", "framed", "glioma", "heart"]
