"""The teachers of a stage as one network whose prediction is the mean of theirs; nothing is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.trained import begin, opened

if TYPE_CHECKING:
    from bench.lab import Lab


def ensemble(lab: Lab) -> None:
    """Put the weights of all teachers into the folder of the stage, each as one network of its method."""
    from tsman.network import streams_of

    together = begin(lab.settings, lab.device)
    members = zip(lab.inputs("teacher"), lab.settings["members"], strict=True)
    for own, (folder, settings) in zip(streams_of(together.network), members, strict=True):
        (trained,) = streams_of(opened(folder, settings, lab.device).network)
        own.load_state_dict(trained.state_dict())
    together.save(lab.folder)
    lab.facts.update(networks=together.method.networks)
