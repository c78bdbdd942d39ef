"""How well a doubt finds the wrong labels: pure functions of flat arrays and of label maps.

Loss attention is no probability that a label is wrong (METHODS 12): it is 1 minus a weight, and f4 or plain
disagreement doubt every voxel on which two networks agree, easy and right ones included. So what a method
acts on is measured as what it does to the gradient, detection only where the prediction contradicts the
label, and ``calibration`` says how far from a probability a doubt is.
"""

from bench.metrics.detection.measures import Found, measure
from bench.metrics.detection.regions import near_boundary, of_structure, regions
from bench.metrics.detection.voxels import Voxels, gradient_mass

__all__ = [
    "Found",
    "Voxels",
    "gradient_mass",
    "measure",
    "near_boundary",
    "of_structure",
    "regions",
]
