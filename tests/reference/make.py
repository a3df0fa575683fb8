"""Makes the checkpoints that the tests of published formats read: small random models saved by `transformers` itself.

    python -m venv VENV
    VENV/bin/pip install -r tests/reference/requirements.txt
    VENV/bin/python tests/reference/make.py tests/fixtures

A folder a model, each as `save_pretrained` leaves it (`config.json`, weights), and beside them `logits.safetensors`:

| tensor | shape | is |
|---|---|---|
| `input_ids` | (sequences, length), int64 | what is fed |
| `logits` | (sequences, length, vocabulary), float32 | what the model answers, as read from the folder, in float32 |
| `logits_f64` | the same, float64 | the same weights in float64: the measure of what rounding costs |

| folder | is |
|---|---|
| `gpt2` | GPT-2, float32, names begin with `transformer.`; with a byte-level BPE and the encodings it must give |
| `gpt2_bfloat16` | the trunk of a GPT-2 saved without its head, as `gpt2` was published: names without `transformer.`, bfloat16 |
| `gpt2_float16` | GPT-2, float16, in shards with an index |
| `gpt_neox` | GPT-NeoX as Pythia has it: parallel residual, a quarter of each head turned, untied head |
| `gpt_neox_sequential` | GPT-NeoX, one residual after the other, heads turned whole |
| `mamba` | Mamba, tied head |

Every weight, bias and norm is drawn, so that none can be left out unnoticed, and large enough that the answers are lively.
The same versions give the same bytes. Needs no network: nothing published is loaded.
"""

import argparse
import contextlib
import json
import os
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 61
SEQUENCES, LENGTH = 2, 19

GPT2 = dict(
    vocab_size=VOCABULARY, n_positions=24, n_embd=32, n_layer=2, n_head=4, bos_token_id=60, eos_token_id=60
)
GPT_NEOX = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    max_position_embeddings=24,
    hidden_act="gelu",
    tie_word_embeddings=False,
    bos_token_id=60,
    eos_token_id=60,
)
MAMBA = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    state_size=8,
    num_hidden_layers=2,
    conv_kernel=4,
    expand=2,
    time_step_rank=3,
    use_conv_bias=True,
    use_bias=False,
    bos_token_id=60,
    eos_token_id=60,
    pad_token_id=60,
)


def lively(model, seed):
    """Draws every parameter anew: none keeps a value (0 or 1) under which leaving it out would go unnoticed."""
    draws = torch.Generator().manual_seed(seed)
    for name, weight in sorted(model.named_parameters()):
        noise = torch.randn(weight.shape, generator=draws)
        if name.endswith("A_log"):  # the decay of each state, log(1..state_size) at the start
            value = weight.detach() + 0.3 * noise
        elif name.endswith("dt_proj.bias"):  # steps of about 0.1 to 1 after softplus
            value = -1.0 + 0.8 * noise
        elif name.endswith(".D") or (weight.dim() == 1 and name.endswith("weight")):  # skips and norms
            value = 1.0 + 0.3 * noise
        else:
            value = 0.3 * noise
        weight.data.copy_(value)
    return model.eval()


def tokens(seed):
    draws = torch.Generator().manual_seed(seed)
    return torch.randint(VOCABULARY, (SEQUENCES, LENGTH), generator=draws)


@contextlib.contextmanager
def float32_means_float64():
    """`transformers` casts to float32 inside rotary tables, norms and scans whatever the model's type; here those casts,
    too, are to float64, so that the answers in float64 are that all the way."""
    kept = torch.float32, torch.float, torch.Tensor.float
    torch.float32 = torch.float = torch.float64
    torch.Tensor.float = torch.Tensor.double
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.float32, torch.float, torch.Tensor.float = kept
        torch.set_default_dtype(torch.float32)


@torch.no_grad()
def answers(read, ids):
    """Logits in float32 and in float64 of a model that `read` reads."""
    logits = read().eval()(ids).logits
    model = read().eval().double()
    with float32_means_float64():
        for module in model.modules():  # the angles of rotary positions, made in float32 with the model
            if hasattr(module, "rope_init_fn"):
                module.inv_freq, module.attention_scaling = module.rope_init_fn(module.config, ids.device)
        logits_f64 = model(ids).logits
    assert logits.dtype == torch.float32 and logits_f64.dtype == torch.float64
    return logits, logits_f64


def checkpoint(folder, model, family, seed, **how):
    """Saves `model`, reads it back as `family` in float32 and keeps what it answers."""
    model.save_pretrained(folder, safe_serialization=True, **how)
    (folder / "generation_config.json").unlink(missing_ok=True)

    def read():
        # "eager" is attention as written in the papers, the same on every machine.
        eager = {} if family is transformers.MambaForCausalLM else {"attn_implementation": "eager"}
        return family.from_pretrained(folder, dtype=torch.float32, **eager)

    ids = tokens(seed)
    logits, logits_f64 = answers(read, ids)
    save_file(
        {"input_ids": ids, "logits": logits.contiguous(), "logits_f64": logits_f64.contiguous()},
        folder / "logits.safetensors",
    )
    apart = (logits.double() - logits_f64).abs().max().item()
    print(f"{folder.name}: logits from {logits.min():.2f} to {logits.max():.2f}, float32 within {apart:.1e} of float64")


def tokenizer(folder):
    """A byte-level BPE of the model's vocabulary, learnt from path-star texts, and encodings it must give."""
    texts = [
        f"{a},{b}|{b},{c}|{a},{d}/{a},{c}={a},{b},{c} "
        for a in range(120)
        for b, c, d in [((a * 7 + 3) % 120, (a * 11 + 5) % 120, (a * 13 + 1) % 120)]
    ]
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    end = "<|endoftext|>"
    bpe.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=VOCABULARY - 1, special_tokens=[], show_progress=False)
    )
    bpe.add_special_tokens([end])
    assert bpe.get_vocab_size() == VOCABULARY and bpe.token_to_id(end) == VOCABULARY - 1
    (folder / "tokenizer.json").write_text(bpe.to_str(pretty=True) + "\n")
    tried = [
        "32,3|16,12|3,19/32,12=32,34,6",
        "32,3|16,12|3,19|32,34|34,6|6,16|19,47|47,28/32,12=32,34,6,16,12",
        "7",
        " 12 345",
        "1=2/3|4,5" + end + "49",
        "",
    ]
    encodings = [{"text": text, "ids": bpe.encode(text).ids} for text in tried]
    for row in encodings:
        assert bpe.decode(row["ids"], skip_special_tokens=False) == row["text"]
    (folder / "encodings.json").write_text(
        "[\n" + ",\n".join("  " + json.dumps(row) for row in encodings) + "\n]\n"
    )


def main():
    parser = argparse.ArgumentParser(description="Makes the checkpoints that the tests of published formats read.")
    parser.add_argument("folder", type=Path, help="where the folders go; those of the same names are replaced")
    out = parser.parse_args().folder
    torch.set_num_threads(1)  # sums in one order
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()

    def folder(name):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
        return out / name

    gpt2, neox, mamba = (
        transformers.GPT2LMHeadModel,
        transformers.GPTNeoXForCausalLM,
        transformers.MambaForCausalLM,
    )

    def new(family, config):
        torch.manual_seed(0)  # Mamba's A_log is kept, the rest drawn anew
        return family(config)

    model = lively(new(gpt2, transformers.GPT2Config(**GPT2)), 1)
    checkpoint(folder("gpt2"), model, gpt2, 11)
    tokenizer(out / "gpt2")
    trunk = lively(new(gpt2, transformers.GPT2Config(**GPT2)), 2).transformer.bfloat16()
    checkpoint(folder("gpt2_bfloat16"), trunk, gpt2, 12)
    model = lively(new(gpt2, transformers.GPT2Config(**GPT2)), 3).half()
    checkpoint(folder("gpt2_float16"), model, gpt2, 13, max_shard_size="24KB")
    quarter = transformers.GPTNeoXConfig(**GPT_NEOX, rotary_pct=0.25, use_parallel_residual=True)
    checkpoint(folder("gpt_neox"), lively(new(neox, quarter), 4), neox, 14)
    whole = transformers.GPTNeoXConfig(**GPT_NEOX, rotary_pct=1.0, use_parallel_residual=False)
    checkpoint(folder("gpt_neox_sequential"), lively(new(neox, whole), 5), neox, 15)
    model = lively(new(mamba, transformers.MambaConfig(**MAMBA)), 6)
    checkpoint(folder("mamba"), model, mamba, 16)

    print(f"written with torch {torch.__version__}, transformers {transformers.__version__}:")
    for path in sorted(out.rglob("*")):
        if path.is_file():
            print(f"{path.stat().st_size:8}  {path.relative_to(out)}")


if __name__ == "__main__":
    main()
