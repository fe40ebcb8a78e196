"""The losses of the recipes, as functions of tensors."""

from __future__ import annotations

import torch
from torch.nn.functional import logsigmoid


def soft_label_dpo_loss(
    delta: torch.Tensor, p_chosen: torch.Tensor, weight: torch.Tensor, *, beta: float
) -> torch.Tensor:
    """The DPO loss of each pair under a soft label and a weight.

        −w · [p · log σ(βΔ) + (1 − p) · log σ(−βΔ)]
        Δ = [log π(c|x) − log π_ref(c|x)] − [log π(r|x) − log π_ref(r|x)]

    At p = 1 and w = 1 this is the DPO loss. Its minimum over Δ lies at σ(βΔ) = p, so at p = ½
    the gradient vanishes at Δ = 0: a tie asks the policy to stay where the reference is. At
    p = 1 − ε it is the loss that cDPO gets from labels flipped with probability ε, here with an ε
    of each pair's own.

    The caller takes the plain mean over the batch, not the mean by weight: the size of a pair's
    step then does not depend on which others it is batched with.

    Args:
        delta: (B,) Δ above, in nats, the sums over completion tokens.
        p_chosen: (B,) probability in [0, 1] that the chosen completion is the better one.
        weight: (B,) weight ≥ 0.
        beta: β > 0, the strength of the pull towards the reference.

    Returns:
        (B,) loss of each pair, in nats.

    Source: Rafailov et al. 2023, "Direct Preference Optimization", arXiv 2305.18290, eq. 7; the
        soft label is that of Mitchell 2023, "A note on DPO with noisy preferences & relationship
        to IPO" (cDPO), with its 1 − ε given per pair.
    """
    logits = beta * delta
    return -weight * (p_chosen * logsigmoid(logits) + (1 - p_chosen) * logsigmoid(-logits))
