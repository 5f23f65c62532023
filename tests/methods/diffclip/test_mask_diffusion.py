"""Facts about forward noising and masking."""

from __future__ import annotations

import torch

from hsi_studio.methods.diffclip.diffusion import alpha_bar, noised, put_back, take, visible


def test_beta_runs_linearly_from_1e4_to_002_and_step_0_is_no_noise() -> None:
    kept = alpha_bar(1000).double()
    assert kept[0] == 1.0
    beta = 1.0 - kept[1:] / kept[:-1]
    assert torch.allclose(beta, torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), atol=2e-5)
    assert float(kept[-1]) < 1e-4  # the end of the chain is noise


def test_one_jump_to_step_t_has_the_mean_and_variance_of_t_small_steps() -> None:
    generator = torch.Generator().manual_seed(0)
    x0 = torch.full((200_000, 1, 1), 2.0)
    kept = alpha_bar(1000)
    t = torch.full((200_000,), 50)
    jump = noised(x0, t, kept, generator)
    steps = x0.clone()
    for beta in torch.linspace(1e-4, 0.02, 1000)[:50]:  # eq. 1: N(√(1−β) x, β I)
        steps = (1 - beta).sqrt() * steps + beta.sqrt() * torch.randn(x0.shape, generator=generator)
    assert abs(float(jump.mean() - 2 * kept[50].sqrt())) < 5e-3
    assert abs(float(jump.var() - (1 - kept[50]))) < 1e-3
    assert abs(float(jump.mean() - steps.mean())) < 5e-3
    assert abs(float(jump.var() - steps.var())) < 2e-3


def test_at_step_0_nothing_changes() -> None:
    x = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(1))
    out = noised(x, torch.zeros(4, dtype=torch.long), alpha_bar(10), torch.Generator().manual_seed(2))
    assert torch.equal(out, x)


def test_kept_tokens_go_back_to_their_own_places_in_every_modality() -> None:
    """The published code put the second modality's tokens back elsewhere."""
    generator = torch.Generator().manual_seed(3)
    tokens = 25
    x = torch.arange(8 * tokens, dtype=torch.float32).view(8, tokens, 1)
    for _ in range(2):  # one draw a modality
        kept = visible(8, tokens, 0.7, generator, x.device)
        assert kept.shape == (8, tokens - round(0.7 * tokens))
        full = put_back(take(x, kept), kept, torch.tensor([-1.0]), tokens)
        seen = full != -1.0
        assert torch.equal(full[seen], x[seen])
        assert torch.equal(seen.sum(dim=1).squeeze(1), torch.full((8,), kept.shape[1]))


def test_every_token_is_masked_equally_often() -> None:
    kept = visible(20_000, 10, 0.7, torch.Generator().manual_seed(4), torch.device("cpu"))
    share = torch.bincount(kept.flatten(), minlength=10) / 20_000
    assert torch.allclose(share, torch.full((10,), 0.3), atol=0.015)
    assert visible(3, 4, 0.95, torch.Generator(), torch.device("cpu")).shape == (3, 1)  # never none
