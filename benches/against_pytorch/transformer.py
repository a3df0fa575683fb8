"""The paper's transformer in PyTorch, twice: as its released code writes it, and as well as PyTorch allows.

GPT-2 style: layer norm before each part, tanh-GELU, biases, learned positions, head tied to the token table, no dropout,
weights from N(0, 0.02), float32. Both compute the same function (`run.py --check` holds them together):

| | Reference | Best |
|---|---|---|
| queries, keys, values | three maps | one |
| attention | einsum, a mask kept as a buffer, softmax | `scaled_dot_product_attention` |
| GELU | its formula, operation by operation | `F.gelu` |
| last layer | at every position | queries, MLP and head only where a token is asked for |
| loss | over all positions, the prefix ignored | over target positions |
| optimizer | `AdamW` as it comes | `AdamW(fused=True)` |
| decoding | the whole sequence anew for each token | keys and values kept in place |

Shapes: b sequences, t positions, w width, h heads, d = w / h, k kept positions.
"""

import math

import torch
from torch import nn
from torch.nn import functional as F

from path_star import PREFIX, TARGET, VOCABULARY

LENGTH = PREFIX + TARGET - 1  # what is fed: a sequence without its last token
SIZES = {"small": (4, 128, 4, 128), "large": (6, 384, 6, 256)}  # layers, width, heads, batch
RATE = 5e-4


def initialise(model):
    for module in model.modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


class ReferenceLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.attention_output = nn.Linear(width, width)
        self.inner, self.mlp_output = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        mask = torch.tril(torch.ones(LENGTH + 1, LENGTH + 1))
        self.register_buffer("mask", mask.view(1, LENGTH + 1, LENGTH + 1, 1), persistent=False)

    def forward(self, x):
        b, t, w = x.shape
        normed = self.attention_norm(x)
        query, key, value = (
            part(normed).view(b, t, self.heads, w // self.heads) for part in (self.query, self.key, self.value)
        )
        scores = torch.einsum("bqhd,bkhd->bqkh", query, key)
        scores = scores.masked_fill(self.mask[:, :t, :t] == 0, float("-inf"))
        shares = F.softmax(scores / math.sqrt(w // self.heads), dim=2)
        mixed = torch.einsum("bqkh,bkhd->bqhd", shares, value)
        x = x + self.attention_output(mixed.contiguous().view(b, t, w))
        inner = self.inner(self.mlp_norm(x))
        inner = 0.5 * inner * (1.0 + torch.tanh(math.sqrt(2.0 / math.pi) * (inner + 0.044715 * torch.pow(inner, 3.0))))
        return x + self.mlp_output(inner)


class Reference(nn.Module):
    def __init__(self, layers, width, heads):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH + 1, width)
        self.layers = nn.ModuleList(ReferenceLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, VOCABULARY, bias=False)
        self.tokens.weight = self.head.weight
        initialise(self)

    def hidden(self, tokens):
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1]).unsqueeze(0))
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)  # (b, t, w)

    def loss(self, sequences):
        logits = self.head(self.hidden(sequences[:, :-1]))  # (b, t, vocabulary)
        asked = torch.cat([torch.full_like(sequences[:, 1:PREFIX], -1), sequences[:, PREFIX:]], dim=1)
        return F.cross_entropy(logits.view(-1, VOCABULARY), asked.view(-1), ignore_index=-1)

    def optimizer(self):
        return torch.optim.AdamW(self.parameters(), lr=RATE, betas=(0.9, 0.999), weight_decay=0.0)

    @torch.no_grad()
    def decode(self, prefixes):
        tokens = prefixes
        for _ in range(TARGET):
            logits = self.head(self.hidden(tokens)[:, [-1]])  # (b, 1, vocabulary)
            tokens = torch.cat([tokens, logits.argmax(-1)], dim=1)
        return tokens[:, PREFIX:]


class BestLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.mlp_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.inner, self.mlp_output = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def split(self, mapped):
        """(b, t, n·w) → n × (b, h, t, d), views only."""
        b, t, _ = mapped.shape
        return mapped.view(b, t, -1, self.heads, self.attention_output.in_features // self.heads).permute(2, 0, 3, 1, 4)

    def finish(self, x, mixed):
        """What follows attention: x (b, k, w), mixed (b, h, k, d)."""
        x = x + self.attention_output(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp_output(F.gelu(self.inner(self.mlp_norm(x)), approximate="tanh"))

    def forward(self, x):
        query, key, value = self.split(self.query_key_value(self.attention_norm(x)))
        return self.finish(x, F.scaled_dot_product_attention(query, key, value, is_causal=True))

    def last(self, x, mask):
        """The last k positions' states, for the k rows of `mask` (k, t): the others are read as keys and values alone."""
        keep, w = mask.shape[0], x.shape[2]
        weight, bias = self.query_key_value.weight, self.query_key_value.bias
        normed = self.attention_norm(x)
        x = x[:, -keep:]
        (query,) = self.split(F.linear(normed[:, -keep:], weight[:w], bias[:w]))
        key, value = self.split(F.linear(normed, weight[w:], bias[w:]))
        return self.finish(x, F.scaled_dot_product_attention(query, key, value, attn_mask=mask))


class Best(nn.Module):
    def __init__(self, layers, width, heads):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(LENGTH + 1, width)
        self.layers = nn.ModuleList(BestLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.register_buffer("mask", torch.ones(LENGTH, LENGTH, dtype=torch.bool).tril()[-TARGET:], persistent=False)
        initialise(self)

    def loss(self, sequences):
        x = self.tokens(sequences[:, :-1]) + self.positions.weight[:LENGTH]
        for layer in self.layers[:-1]:
            x = layer(x)
        x = self.layers[-1].last(x, self.mask)  # (b, target, w)
        logits = F.linear(self.norm(x), self.tokens.weight)
        return F.cross_entropy(logits.flatten(0, 1), sequences[:, PREFIX:].flatten())

    def optimizer(self):
        return torch.optim.AdamW(self.parameters(), lr=RATE, betas=(0.9, 0.999), weight_decay=0.0, fused=True)

    def prefill(self, tokens, cache):
        """Reads prefixes (b, prefix), keeps their keys and values, and answers the next token (b,)."""
        x = self.tokens(tokens) + self.positions.weight[:PREFIX]
        for layer, kept in zip(self.layers[:-1], cache):
            query, key, value = layer.split(layer.query_key_value(layer.attention_norm(x)))
            kept[0, :, :, :PREFIX], kept[1, :, :, :PREFIX] = key, value
            x = layer.finish(x, F.scaled_dot_product_attention(query, key, value, is_causal=True))
        layer, w = self.layers[-1], x.shape[2]  # only its last position goes on
        weight, bias = layer.query_key_value.weight, layer.query_key_value.bias
        normed = layer.attention_norm(x)
        (query,) = layer.split(F.linear(normed[:, -1:], weight[:w], bias[:w]))
        key, value = layer.split(F.linear(normed, weight[w:], bias[w:]))
        cache[-1][0, :, :, :PREFIX], cache[-1][1, :, :, :PREFIX] = key, value
        x = layer.finish(x[:, -1:], F.scaled_dot_product_attention(query, key, value))
        return F.linear(self.norm(x[:, 0]), self.tokens.weight).argmax(-1)

    def step(self, tokens, cache, at: int):
        """Reads one token of each sequence (b,), which stands at place `at`, and answers the next (b,)."""
        x = (self.tokens(tokens) + self.positions.weight[at])[:, None]  # (b, 1, w)
        for layer, kept in zip(self.layers, cache):
            query, key, value = layer.split(layer.query_key_value(layer.attention_norm(x)))
            kept[0, :, :, at : at + 1], kept[1, :, :, at : at + 1] = key, value
            x = layer.finish(x, F.scaled_dot_product_attention(query, kept[0, :, :, : at + 1], kept[1, :, :, : at + 1]))
        return F.linear(self.norm(x[:, 0]), self.tokens.weight).argmax(-1)

    def cache(self, batch):
        heads, width = self.layers[0].heads, self.norm.weight.shape[0]
        return [torch.empty(2, batch, heads, LENGTH, width // heads) for _ in self.layers]

    @torch.inference_mode()
    def decode(self, prefixes, cache, prefill=None, step=None):
        """`prefill` and `step`: compiled versions of this model's own."""
        answered = [(prefill or self.prefill)(prefixes, cache)]
        for place in range(PREFIX, LENGTH):
            answered.append((step or self.step)(answered[-1], cache, place))
        return torch.stack(answered, dim=1)

    @torch.no_grad()
    def take(self, reference):
        """Takes the weights of a Reference of the same size."""
        theirs = dict(reference.named_parameters())
        for name, weight in self.named_parameters():
            if "query_key_value" in name:
                parts = [theirs[name.replace("query_key_value", part)] for part in ("query", "key", "value")]
                weight.copy_(torch.cat(parts))
            else:
                weight.copy_(theirs[name])
