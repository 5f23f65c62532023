"""Loss values against hand calculation."""

from __future__ import annotations

import math

import pytest
import torch

from hsi_studio.methods.diffclip.losses import class_contrast, pair_contrast, reconstruction

ONE = torch.tensor(1.0)


def test_two_by_two_by_hand() -> None:
    """Logits [[1, 0], [0.6, 0.8]]: rows cost ln(1+e^-1) and ln(1+e^-0.2), columns ln(1+e^-0.4) and ln(1+e^-0.8)."""
    image = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    text = torch.eye(2)
    rows = (math.log1p(math.exp(-1.0)) + math.log1p(math.exp(-0.2))) / 2
    columns = (math.log1p(math.exp(-0.4)) + math.log1p(math.exp(-0.8))) / 2
    by_hand = (rows + columns) / 2
    assert float(class_contrast(image, text, torch.tensor([0, 1]), ONE).loss) == pytest.approx(by_hand, abs=1e-6)
    assert float(pair_contrast(image, text, ONE).loss) == pytest.approx(by_hand, abs=1e-6)


def test_a_class_that_repeats_is_no_false_negative() -> None:
    """Two perfect images of class 0 and one of class 1: the class loss vanishes with 1/τ but for ln 2 of the spread
    target; the literal form calls the twins each other's negatives on both sides."""
    image, text = torch.eye(2)[[0, 0, 1]], torch.eye(2)
    label, sharp = torch.tensor([0, 0, 1]), torch.tensor(100.0)
    ours = float(class_contrast(image, text, label, sharp).loss)
    assert ours == pytest.approx(math.log(2) / 4, abs=1e-5)  # text → image only: ln 2 in one of 2 classes, halved
    assert float(pair_contrast(image, text[label], sharp).loss) == pytest.approx(2 / 3 * math.log(2), abs=1e-5)


def test_classes_absent_from_the_batch_cost_nothing_on_the_text_side() -> None:
    image, label = torch.eye(3)[:1], torch.tensor([0])
    wide = class_contrast(image, torch.eye(3), label, ONE).loss
    rows = math.log(math.e + 2) - 1
    assert float(wide) == pytest.approx(rows / 2, abs=1e-6)  # a column of one image costs 0


def test_the_order_of_the_batch_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.nn.functional.normalize(torch.randn(9, 4, generator=generator), dim=1)
    text = torch.nn.functional.normalize(torch.randn(3, 4, generator=generator), dim=1)
    label, order = torch.arange(9) % 3, torch.randperm(9, generator=generator)
    first = class_contrast(image, text, label, ONE).loss
    assert float(first) == pytest.approx(float(class_contrast(image[order], text, label[order], ONE).loss), abs=1e-6)


def test_reconstruction_counts_visible_and_masked_tokens_alike() -> None:
    x0 = torch.zeros(1, 2, 2)
    assert float(reconstruction(torch.tensor([[[2.0, 0.0], [0.0, 0.0]]]), x0)) == 1.0
    assert float(reconstruction(torch.tensor([[[0.0, 0.0], [0.0, 2.0]]]), x0)) == 1.0
