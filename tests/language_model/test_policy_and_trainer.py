"""The packed forward pass and the trainer, on a small network with random weights; needs torch.

``.venv-language-model/bin/python -m pytest -o addopts= --noconftest tests/language_model`` runs it.
"""

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is in the environment of make language-model")
transformers = pytest.importorskip("transformers", reason="as torch")

from language_model.grpo import Batch, Settings, Trainer, advantages, loss  # noqa: E402
from language_model.items import FAMILIES, WORDS  # noqa: E402
from language_model.policy import ROWS, Policy, divergence, measure  # noqa: E402
from language_model.weights import compute_all_in_float64  # noqa: E402

VOCABULARY = ["\n", " ", ' "', '"', " +", " -", " =", *WORDS, *map(str, range(10))]
FAMILY = FAMILIES["B"]


def tokenizer(text, add_special_tokens):
    parts = re.findall(r'\n| (?=\d)| ?"| [+=-]|[a-z]+|\d', text)
    assert "".join(parts) == text and not add_special_tokens
    return {"input_ids": [VOCABULARY.index(part) for part in parts]}


def policy(layers=None, dtype=torch.float64):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(VOCABULARY), hidden_size=32, intermediate_size=48, num_hidden_layers=3,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True, initializer_range=0.3,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).to(dtype).eval()
    return Policy(model, tokenizer, FAMILY, layers)


@pytest.mark.parametrize("layers", [None, 1])
def test_the_packed_pass_equals_one_sequence_a_question(layers):
    packed = policy(layers)
    table = packed.table()
    assert table.shape == (51, ROWS, len(VOCABULARY))
    for item in (0, 17, 50):
        for style, opening in enumerate(packed.styles):
            ids = [*tokenizer(FAMILY.prompts[item], add_special_tokens=False)["input_ids"], opening]
            with torch.no_grad():
                plain = packed.model(torch.tensor([ids])).logits[0].log_softmax(-1)
            torch.testing.assert_close(table[item, 0], plain[-2])
            torch.testing.assert_close(table[item, 1 + style], plain[-1])
    some = packed.log_probabilities([3, 40])
    torch.testing.assert_close(some.detach(), table[[3, 40]])


def test_in_float64_norms_and_positions_are_in_float64_too():
    plain, exact = policy(), policy()
    compute_all_in_float64(exact.model)
    hidden = torch.linspace(0.1, 1.3, 32, dtype=torch.float64)
    weight = exact.model.model.norm.weight
    by_hand = weight * hidden / (hidden.square().mean() + exact.model.config.rms_norm_eps).sqrt()
    torch.testing.assert_close(exact.model.model.norm(hidden), by_hand, rtol=1e-14, atol=0)
    cosines, sines = exact.model.model.rotary_emb(hidden, torch.arange(90)[None])
    torch.testing.assert_close(cosines**2 + sines**2, torch.ones(1, 90, 8).double(), rtol=1e-14, atol=0)
    turns = torch.arange(90).double()[:, None] * 10000.0 ** (-torch.arange(4).double() / 4)
    torch.testing.assert_close(sines[0, :, :4], turns.sin(), rtol=0, atol=1e-13)
    torch.testing.assert_close(exact.table(), plain.table(), rtol=1e-5, atol=1e-5)
    assert not torch.equal(exact.table(), plain.table())
    whole, rounded = (one.model(input_ids=torch.arange(9)[None]).logits for one in (exact, plain))
    torch.testing.assert_close(whole, rounded, rtol=1e-4, atol=1e-4)  # as transformers and TRL call the model


def test_half_precision_is_near():
    half, exact = policy(dtype=torch.bfloat16).table(), policy().table()
    assert half.dtype == torch.float32 and (half - exact).abs().mean() < 0.1


def test_measures_equal_an_enumeration_of_all_answers():
    packed = policy()
    table = packed.table()
    found = measure(packed, table)
    first, second = table[:, 0].exp(), table[:, 1:].exp()
    for item in (0, 17, 50):
        values, entropy = np.zeros(10), 0.0
        for token, chance in enumerate(first[item].tolist()):
            if token not in packed.styles:
                entropy -= chance * np.log(chance)
                continue
            style = packed.styles.index(token)
            for answer, given in enumerate(second[item, style].tolist()):
                entropy -= chance * given * np.log(chance * given)
                if (value := packed.value[style, answer]) >= 0:
                    values[value] += chance * given
        assert found["right"][item] == pytest.approx(values[FAMILY.truths[item]])
        assert found["valid"][item] == pytest.approx(values.sum())
        assert found["entropy"][item] == pytest.approx(entropy)
        assert found["plurality"][item] == (values.argmax() == FAMILY.truths[item])
    assert np.allclose(divergence(table, table, packed.styles), 0)
    assert (divergence(table, policy(1).table().roll(1, 0), packed.styles) > 0).all()


def trained(arm="random", run=0, turned=False, layers=None, **settings):
    options = {"max_steps": 4, "prompts_per_step": 2, "num_generations": 8, "steps_per_generation": 2}
    options |= {"learning_rate": 1e-2} | settings
    trainer = Trainer(policy(layers), Settings(**options), arm, run, FAMILY.split()[0], turned)
    return trainer, list(trainer.steps())


def weights(trainer):
    return torch.cat([weight.detach().ravel() for weight in trainer.policy.parameters])


@pytest.mark.parametrize("settings", [{}, {"optim": "sgd", "beta": 0.1, "shuffle": True, "epsilon": None}])
def test_the_same_arguments_give_the_same_bits(settings):
    assert torch.equal(weights(trained(**settings)[0]), weights(trained(**settings)[0]))
    assert not torch.equal(weights(trained(**settings)[0]), weights(trained(run=1, **settings)[0]))


def test_measuring_along_the_way_changes_no_bit():
    options = {"max_steps": 4, "prompts_per_step": 2, "num_generations": 8, "steps_per_generation": 2}
    watched = Trainer(policy(), Settings(**options, learning_rate=1e-2), "random", 0, FAMILY.split()[0])
    for _ in watched.steps():
        watched.table()
    assert torch.equal(weights(watched), weights(trained()[0]))


def test_an_antithetic_pair_draws_the_same_answers_and_opposite_first_gradients():
    pair = [
        Trainer(policy(), Settings(num_generations=8), "random", 0, FAMILY.split()[0], turned)
        for turned in (False, True)
    ]
    batches = [trainer.sample(0) for trainer in pair]
    assert torch.equal(batches[0].tokens, batches[1].tokens)
    torch.testing.assert_close(batches[0].advantage, -batches[1].advantage)
    gradients = []
    for trainer, batch in zip(pair, batches, strict=True):
        trainer.gradient(batch, float(batch.mask.sum()))
        gradients.append(torch.cat([weight.grad.ravel() for weight in trainer.policy.parameters]))
    torch.testing.assert_close(gradients[0], -gradients[1])


def test_the_trainer_teaches_and_trains_only_the_top():
    before = policy(1)
    trainer, _ = trained("true", layers=1, max_steps=40, num_generations=32)
    places = FAMILY.split()[0]
    right = [measure(one, one.table())["right"][places].mean() for one in (before, trainer.policy)]
    assert right[1] > right[0] + 0.05
    for name, weight in trainer.policy.model.named_parameters():
        moved = not torch.equal(weight, dict(before.model.named_parameters())[name])
        assert moved == (name.startswith("model.layers.2.") or name == "model.norm.weight"), name


def test_loss_by_hand():
    log = torch.log(torch.tensor([[0.6, 0.5], [0.2, 0.5]], dtype=torch.float64))
    old = torch.log(torch.tensor([[0.4, 0.5], [0.4, 0.9]], dtype=torch.float64))
    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    batch = Batch(np.array([0, 0]), None, None, mask, torch.tensor([2.0, -1.0]), old, old)
    # Ratios 1.5 and 1 with advantage 2, 0.5 with advantage -1; the fourth token is none.
    value, share = loss(log, batch, Settings(), 3)
    assert float(value) == pytest.approx(-(1.2 * 2 + 2 - 0.8) / 3)
    assert share == pytest.approx({"clipped_low": 1 / 3, "clipped_high": 1 / 3})
    value, _ = loss(log, batch, Settings(epsilon_high=0.6, loss_type="dr_grpo"), 3)
    assert float(value) == pytest.approx(-(1.5 * 2 + 2 - 0.8) / 4)
    value, share = loss(log, batch, Settings(epsilon=None, loss_type="grpo"), 3)
    assert float(value) == pytest.approx(-((1.5 * 2 + 2) / 2 - 0.5) / 2) and sum(share.values()) == 0
    apart = np.array([np.log(0.4 / 0.6), np.log(0.4 / 0.2)])
    value, _ = loss(log, batch, Settings(epsilon=None, beta=0.3), 3)
    k3 = np.exp(apart) - apart - 1
    assert float(value) == pytest.approx(-(1.5 * 2 + 2 - 0.5) / 3 + 0.3 * k3.sum() / 3)


def test_advantages_by_hand():
    paid = np.array([[1.0, 0, 0, 0], [1, 1, 1, 1]])
    assert advantages(paid, "centered").tolist() == [[0.75, -0.25, -0.25, -0.25], [0, 0, 0, 0]]
    assert advantages(paid, "rloo")[0] == pytest.approx([1, -1 / 3, -1 / 3, -1 / 3])
    assert advantages(paid, "grpo")[0] == pytest.approx(np.array([0.75, -0.25, -0.25, -0.25]) / 0.5001)
    assert not advantages(paid, "grpo")[1].any()


@pytest.mark.parametrize(
    "options",
    [{"advantage": "std"}, {"optim": "lion"}, {"max_steps": 0}, {"num_generations": 1},
     {"epsilon": None, "epsilon_high": 0.3}, {"learning_rte": 1.0}],
)  # fmt: skip
def test_settings_refuse(options):
    with pytest.raises(ValueError, match=next(reversed(options))):
        Settings.of(options)


def test_layers_that_are_not_there_are_refused():
    with pytest.raises(ValueError, match="between 1 and 3"):
        policy(4)
