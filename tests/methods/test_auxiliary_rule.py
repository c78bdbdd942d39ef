"""The auxiliary branch of every method learns by one rule: the method's own, or cross-entropy for all."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch
from torch.nn import functional

from methods import registry
from methods.dast_network import Branch
from methods.interface import Batch
from tsman.dense_vox_net import DenseVoxNet, Scores
from tsman.settings import StreamSettings

STREAM = StreamSettings(stem=4, growth=4, units=2, decoder=(8, 8), weight_std=0.0, dropout=0.0)
WEIGHT = 0.5
WITHOUT = {"unet-2d", "unet-3d", "mme"}
"""Whose networks have no auxiliary branch."""
CONSISTENCY = {"consistency", "agreement", "self_training"}
"""Settings that weigh what compares networks with one another, on the main branch alone."""


def supervised(name):
    """The method without what is no loss of a label, and at one scale."""
    method = registry.method(name)
    off = {one.name: 0.0 for one in fields(method) if one.name in CONSISTENCY}
    return replace(method, **off, **({"scales": (1.0,)} if name == "adele" else {}))


def gradients(method, monkeypatch, rule):
    """Of each stream the main score, and the gradients of main and auxiliary score, which hold the same values."""
    seen = []

    def both(main_bnijk):
        main_bnijk.retain_grad()
        auxiliary_bnijk = main_bnijk.detach().clone().requires_grad_()
        seen.append((main_bnijk, auxiliary_bnijk))
        return Scores(main_bnijk, auxiliary_bnijk, WEIGHT, rule)

    def of_branch(branch, last_bcijk, _):
        for stage in branch.stages.values():
            last_bcijk = stage(last_bcijk)
        return both(branch.score(last_bcijk))

    monkeypatch.setattr(DenseVoxNet, "scores", lambda stream, last, _: both(stream.score(last)))
    monkeypatch.setattr(Branch, "forward", of_branch)
    network = method.network(2 if method.name == "mme" else 1, 3, STREAM)
    for name, buffer in network.named_buffers():
        if name.startswith("noise_rate"):
            buffer.fill_(0.2)
    label_bijk = torch.randint(0, 3, (2, 16, 16, 16))
    target_bnijk = torch.rand(2, 3, 16, 16, 16).softmax(1)
    is_manual_b = torch.tensor([True, False])
    batch = Batch(torch.randn(2, 1, 16, 16, 16), label_bijk, is_manual_b, target_bnijk)
    method.loss(network, batch, 0.99).backward()
    return [(one.detach(), one.grad, auxiliary.grad) for one, auxiliary in seen], batch


@pytest.mark.parametrize("name", [name for name in registry.METHODS if name not in WITHOUT])
def test_by_default_it_is_the_rule_of_the_main_branch(name, monkeypatch):
    found, _ = gradients(supervised(name), monkeypatch, "own")
    assert found
    for _, of_main, of_auxiliary in found:
        torch.testing.assert_close(of_auxiliary, WEIGHT * of_main, rtol=1e-4, atol=1e-9)
        assert of_auxiliary.any()


@pytest.mark.parametrize("name", [name for name in registry.METHODS if name not in WITHOUT])
def test_it_is_plain_cross_entropy_for_every_method_when_asked(name, monkeypatch):
    found, batch = gradients(supervised(name), monkeypatch, "cross-entropy")
    for place, (main_bnijk, _, of_auxiliary) in enumerate(found):
        score_bnijk = main_bnijk.clone().requires_grad_()
        shown = slice(None)
        if name == "dast":  # each branch sees its own items; the mean over the branches
            shown = slice(0, 1) if place == 0 else slice(1, 2)
        loss = functional.cross_entropy(score_bnijk[shown], batch.label_bijk[shown])
        ((0.5 if name == "dast" else 1.0) * WEIGHT * loss).backward()
        torch.testing.assert_close(of_auxiliary, score_bnijk.grad, rtol=1e-4, atol=1e-9)


def test_the_networks_carry_the_setting_to_the_loss():
    for rule in ("own", "cross-entropy"):
        stream = replace(STREAM, auxiliary_rule=rule)
        for name in ("densevoxnet", "tsman", "dast"):
            method = registry.method(name)
            scores = method.network(1, 3, stream)(torch.randn(1, 1, 8, 8, 8))
            assert next(iter(scores)).auxiliary_rule == rule
