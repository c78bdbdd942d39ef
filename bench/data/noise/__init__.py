"""Label noise whose truth is known: the kinds, what they make of a label map, and what is measured of it."""

from bench.data.noise.corruption import corrupt, limit_of
from bench.data.noise.realised import realised
from bench.data.noise.registry import KINDS
from bench.data.noise.words import kind_of, parse

__all__ = ["KINDS", "corrupt", "kind_of", "limit_of", "parse", "realised"]
