"""A Mamba language model in PyTorch (Gu & Dao 2023, arXiv 2312.00752; no kernels for CPUs exist), with three scans.

RMS norm before each block, expansion 2, 16 states a channel, a convolution of 4, step rank ⌈width/16⌉, head tied to the
token table. The scan is h_t = a_t·h_{t−1} + u_t, y_t = ⟨h_t, c_t⟩ with a_t = exp(Δ_t A), u_t = Δ_t x_t b_t:

- `loop`: position by position, as the paper's equation and the small re-implementations have it;
- `unrolled`: the same, but positions are split and joined once, which spares autograd a full-size gradient for each;
- `doubling`: spans of 1, 2, 4, … positions are joined (Hillis & Steele 1986): few operations, each over all positions.

Shapes: b sequences, t positions, w width, e = 2w inner width, n states, r step rank.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from path_star import PREFIX, TARGET, VOCABULARY

SIZES = {"small": (4, 128, 128), "large": (6, 384, 64)}  # layers, width, batch
STATES, KERNEL = 16, 4
RATE = 5e-4


def loop(decay, input, output):
    """decay, input (b, t, e, n), output (b, t, n) → (b, t, e)."""
    state, answers = torch.zeros_like(decay[:, 0]), []
    for t in range(decay.shape[1]):
        state = decay[:, t] * state + input[:, t]
        answers.append(torch.einsum("ben,bn->be", state, output[:, t]))
    return torch.stack(answers, dim=1)


def unrolled(decay, input, output):
    state, states = None, []
    for a, u in zip(decay.unbind(1), input.unbind(1)):
        state = u if state is None else torch.addcmul(u, a, state)
        states.append(state)
    return (torch.stack(states, dim=1) @ output[..., None])[..., 0]


def doubling(decay, input, output):
    span, length = 1, decay.shape[1]
    while span < length:
        a, u = decay[:, span:], input[:, span:]
        input = torch.cat([input[:, :span], torch.addcmul(u, a, input[:, :-span])], dim=1)
        if 2 * span < length:
            decay = torch.cat([decay[:, :span], a * decay[:, :-span]], dim=1)
        span *= 2
    return (input @ output[..., None])[..., 0]


class Block(nn.Module):
    def __init__(self, width, scan):
        super().__init__()
        self.scan, self.inner, self.rank = scan, 2 * width, math.ceil(width / 16)
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.input = nn.Linear(width, 2 * self.inner, bias=False)
        self.convolution = nn.Conv1d(self.inner, self.inner, KERNEL, groups=self.inner, padding=KERNEL - 1)
        self.selection = nn.Linear(self.inner, self.rank + 2 * STATES, bias=False)
        self.step = nn.Linear(self.rank, self.inner)
        self.log_decay = nn.Parameter(torch.arange(1.0, STATES + 1).log().repeat(self.inner, 1))  # (e, n)
        self.skip = nn.Parameter(torch.ones(self.inner))
        self.output = nn.Linear(self.inner, width, bias=False)

    def convolve(self, x):
        """The causal convolution over time of each channel: (b, t, e)."""
        if self.scan is loop:
            return self.convolution(x.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2)
        padded, weight = F.pad(x, (0, 0, KERNEL - 1, 0)), self.convolution.weight
        shifted = (padded[:, k : k + x.shape[1]] * weight[:, 0, k] for k in range(KERNEL))  # far faster on CPUs
        return sum(shifted) + self.convolution.bias

    def forward(self, x):
        inner, gate = self.input(self.norm(x)).split(self.inner, dim=-1)  # (b, t, e)
        inner = F.silu(self.convolve(inner))
        step, b, c = self.selection(inner).split([self.rank, STATES, STATES], dim=-1)
        step = F.softplus(self.step(step))  # (b, t, e)
        decay = torch.exp(step[..., None] * -torch.exp(self.log_decay))  # (b, t, e, n)
        y = self.scan(decay, (step * inner)[..., None] * b[:, :, None], c) + inner * self.skip
        return x + self.output(y * F.silu(gate))


class Mamba(nn.Module):
    def __init__(self, layers, width, scan):
        super().__init__()
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.layers = nn.ModuleList(Block(width, scan) for _ in range(layers))
        self.norm = nn.RMSNorm(width, eps=1e-5)
        nn.init.normal_(self.tokens.weight, std=0.02)
        for layer in self.layers:  # steps begin between 0.001 and 0.1, evenly in the logarithm
            step = torch.exp(torch.rand(layer.inner) * (math.log(0.1) - math.log(0.001)) + math.log(0.001))
            nn.init.uniform_(layer.step.weight, -(layer.rank**-0.5), layer.rank**-0.5)
            layer.step.bias.data.copy_(step + torch.log(-torch.expm1(-step)))

    def loss(self, sequences):
        x = self.tokens(sequences[:, :-1])
        for layer in self.layers:
            x = layer(x)
        logits = F.linear(self.norm(x[:, -TARGET:]), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), sequences[:, PREFIX:].flatten())

    def optimizer(self):
        return torch.optim.AdamW(self.parameters(), lr=RATE, betas=(0.9, 0.999), weight_decay=0.0, fused=True)
