"""The network: a transformer of about 100,000 parameters, its tokenizer, and its answers enumerated."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from network.addition_task import DIGITS, ITEMS, TOKENS, prompt, truth

__all__ = ["Answers", "enumerate_answers", "new_network", "tokenizer"]

ID = {token: i for i, token in enumerate(TOKENS)}
WIDTH, LAYERS, HEADS = 64, 2, 4


def tokenizer() -> PreTrainedTokenizerFast:
    """A tokenizer with one token per word."""
    words = Tokenizer(models.WordLevel(ID, unk_token="_"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="_", eos_token=".", unk_token="_", padding_side="left"
    )


def new_network(seed: int, weights: Path | None = None) -> GPT2LMHeadModel:
    """A network with new or stored weights."""
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=len(TOKENS), n_positions=16, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS,
        initializer_range=0.1, resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        bos_token_id=ID["."], eos_token_id=ID["."], pad_token_id=ID["_"],
    )  # fmt: skip
    model = GPT2LMHeadModel(config)
    if weights is not None:
        model.load_state_dict(torch.load(weights, weights_only=True))
    return model


@dataclass(frozen=True)
class Answers:
    """Exact probabilities of one policy, each a tensor over the items."""

    right: torch.Tensor  # probability of a right answer
    share_c: torch.Tensor
    share_d: torch.Tensor
    right_c: torch.Tensor  # accuracy after strategy c
    right_d: torch.Tensor
    from_c: torch.Tensor  # probability of strategy c and a right answer
    from_d: torch.Tensor
    entropy: torch.Tensor  # of the whole answer, nats
    entropy_strategy: torch.Tensor  # of its first token
    greedy: torch.Tensor  # 1 where the sequence of most probable tokens is right


def _read_table() -> torch.Tensor:
    """Digit read from (first token, second token), -1 for none: the last digit of the answer."""
    table = torch.full((len(TOKENS), len(TOKENS)), -1)
    for i, first in enumerate(TOKENS):
        for j, second in enumerate(TOKENS):
            tokens = [first] if first == "." else [first, second]  # a full stop ends the answer
            digits = [token for token in tokens if token in DIGITS]
            table[i, j] = int(digits[-1]) if digits else -1
    return table


READ = _read_table()
TRUTHS = torch.tensor([truth(item) for item in ITEMS])
PROMPTS = torch.tensor([[ID[word] for word in prompt(item).split()] for item in ITEMS])


@torch.no_grad()
def enumerate_answers(model: GPT2LMHeadModel) -> Answers:
    """Every pair of tokens for every item, at temperature 1."""
    n_items, n_tokens = len(ITEMS), len(TOKENS)
    asked = PROMPTS.repeat_interleave(n_tokens, dim=0)
    extended = torch.cat([asked, torch.arange(n_tokens).repeat(n_items)[:, None]], dim=1)
    logits = model(extended).logits.double()[:, -2:].log_softmax(-1)
    first = logits.view(n_items, n_tokens, 2, n_tokens)[:, 0, 0]
    second = logits.view(n_items, n_tokens, 2, n_tokens)[:, :, 1]
    joint = (first[:, :, None] + second).exp()
    right = READ[None] == TRUTHS[:, None, None]
    # Nothing is sampled after a full stop, so the second token adds no entropy there.
    spread = -(second.exp() * second).sum(-1)
    spread[:, ID["."]] = 0.0
    of_first = -(first.exp() * first).sum(-1)
    best = first.argmax(-1)
    then = second[torch.arange(n_items), best].argmax(-1)
    c, d = ID["c"], ID["d"]
    return Answers(
        right=(joint * right).sum((1, 2)),
        share_c=first[:, c].exp(),
        share_d=first[:, d].exp(),
        right_c=(second[:, c].exp() * right[:, c]).sum(-1),
        right_d=(second[:, d].exp() * right[:, d]).sum(-1),
        from_c=(joint * right)[:, c].sum(-1),
        from_d=(joint * right)[:, d].sum(-1),
        entropy=of_first + (first.exp() * spread).sum(-1),
        entropy_strategy=of_first,
        greedy=right[torch.arange(n_items), best, then].double(),
    )
