"""The stored runs of the pretrained model, and what is read from them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from language_model.design import in_float64
from language_model.items import FAMILIES, PILOT
from language_model.registered import PROTOCOL, registration
from rlvr.experiments.language_model_runs import (
    LANGUAGE_MODEL,
    LANGUAGE_MODEL_FLOAT64,
    LANGUAGE_MODEL_PILOT,
    LANGUAGE_MODEL_REPEAT,
    accuracy_table,
    arm_table,
    language_model_items,
    language_model_outcomes,
    language_model_paths,
    language_model_record,
    pair_changes,
)
from rlvr.experiments.protocol_verdicts import judge
from rlvr.experiments.sealed_protocol import REGISTERED, load_protocol, load_results
from rlvr.experiments.stored import check

PROTOCOLS = {"registered": "3", "repeat": "4"}


@pytest.mark.parametrize(
    "experiment", [LANGUAGE_MODEL, LANGUAGE_MODEL_REPEAT, LANGUAGE_MODEL_FLOAT64, LANGUAGE_MODEL_PILOT]
)
def test_the_stored_tables_belong_together(experiment):
    assert all(check(experiment).values())


@pytest.mark.parametrize("runs", PROTOCOLS)
def test_the_registered_runs_are_those_that_the_protocol_asks_for(runs):
    asked = registration(REGISTERED[PROTOCOLS[runs]][0])
    assert asked.digest == language_model_record(runs)["protocol"]
    key = ["family", "arm", "design", "pair", "turned"]
    stored = language_model_items(runs)[key].drop_duplicates()
    assert {tuple(run[name] for name in key) for run in asked.runs} == set(stored.itertuples(index=False))


def test_the_runs_in_float64_are_the_first_pairs_of_the_fourth_protocol():
    exact, record = language_model_paths("float64"), language_model_record("float64")
    assert (record["protocol"], record["common"]["dtype"]) == (in_float64().digest, "float64")
    key = ["family", "arm", "design", "pair", "turned"]
    asked = {tuple(run[name] for name in key) for run in in_float64().runs}
    assert asked == set(exact[key].drop_duplicates().itertuples(index=False))
    assert record["runs"] == len(asked) == 4 * exact["pair"].nunique() * 2
    twins = exact.merge(language_model_paths("repeat"), on=[*key, "step"], suffixes=("", "_32"))
    assert len(twins) == len(exact)
    apart = (
        (twins["trained_style_logit"] - twins["trained_style_logit_32"]).abs().groupby(twins["step"]).max()
    )
    assert apart[0] < 1e-5 and apart.is_monotonic_increasing  # the same start; rounding grows with the steps
    walk = pair_changes(language_model_paths("repeat"), "style_logit").query("step == 24")["walk"]
    assert apart[24] < walk.abs().max()


def test_the_two_protocols_ask_for_the_same_training_of_other_pairs():
    first, second = (registration(REGISTERED[number][0]) for number in PROTOCOLS.values())
    assert REGISTERED["3"][0] == PROTOCOL and not {run["key"] for run in first.runs} & {
        run["key"] for run in second.runs
    }
    settings = [
        {(run["family"], run["design"]): run["settings"] for run in each.runs} for each in (first, second)
    ]
    assert settings[1].items() <= settings[0].items()
    pilot = language_model_items("pilot")["family"].unique()
    assert set(language_model_items()["family"]) == set(FAMILIES) and set(pilot) == set(PILOT)
    assert not FAMILIES.keys() & PILOT


@pytest.mark.parametrize(
    ("runs", "family"), [*product(["registered"], FAMILIES), ("repeat", "A"), ("repeat", "B")]
)
def test_every_run_starts_at_the_prior_to_the_last_digit(runs, family):
    # FROZEN's questions one by one, in the split that the digest gives each pair, are where that pair starts.
    items, paths = language_model_items(), language_model_paths(runs)
    digest = registration(REGISTERED[PROTOCOLS[runs]][0]).digest
    frozen = items[(items["family"] == family) & (items["arm"] == "frozen")].sort_values("item")
    starts = paths[(paths["family"] == family) & (paths["step"] == 0)]
    assert starts["pair"].nunique() == {"registered": 16, "repeat": 48}[runs]
    for _, start in starts.iterrows():
        splits = FAMILIES[family].split(f"{digest} {start['pair']}")
        for where, places in zip(("trained", "held_out"), splits, strict=True):
            for measure in ("right", "greedy", "style_logit"):
                mean = frozen[measure].to_numpy()[places].mean()
                assert start[f"{where}_{measure}"] == pytest.approx(mean, abs=2e-6)


@pytest.mark.parametrize("runs", PROTOCOLS)
def test_accuracy_falls_without_a_clip_and_not_with_one(runs):
    ends = pair_changes(language_model_paths(runs), "right").query("step == 24")
    for family in "AB":
        changes = {design: rows["mean"] for design, rows in ends[ends["family"] == family].groupby("design")}
        assert stats.ttest_1samp(changes["unclipped"], 0, alternative="less").pvalue < 0.05
        assert runs == "repeat" or stats.ttest_1samp(changes["clipped"], 0).pvalue > 0.05


def test_the_second_test_supports_the_push_and_contradicts_the_fall():
    style, right = (
        pair_changes(language_model_paths("repeat"), measure)
        .query("step == 24 and design == 'clipped'")
        .pivot(index="pair", columns="family", values="mean")
        for measure in ("style_logit", "right")
    )
    assert stats.ttest_rel(style["A"], style["B"], alternative="greater").pvalue < 0.01
    assert stats.ttest_1samp(right["B"], 0, alternative="greater").pvalue < 0.01
    protocol, results = load_protocol(REGISTERED["4"][0]), load_results(REGISTERED["4"][1])
    found = {each.name: each.verdict for each in judge(protocol, results)}
    assert found["M1"] == "supported" and found["M4"] == "contradicted"


def test_elicitation_is_the_larger_part_of_true_minus_random():
    table = arm_table(language_model_paths(), "right").xs("clipped", level="design").dropna()
    table["random"] = table[["random", "turned"]].mean(axis=1)
    for family in "AB":
        arms = table.loc[family]
        elicited, designed = arms["majority"] - arms["random"], arms["true"] - arms["majority"]
        assert len(arms) == 8 and stats.ttest_rel(elicited, designed, alternative="greater").pvalue < 0.05


def paths_by_hand():
    row = {"family": "A", "design": "clipped", "turned": False, "held_out_right": 0.4}
    runs = [("random", 0, False, 0.6), ("random", 0, True, 0.3), ("random", 1, False, 0.5),
            ("random", 1, True, 0.5), ("true", 0, False, 0.9)]  # fmt: skip
    rows = []
    for arm, pair, turned, end in runs:
        for step, value in ((0, 0.4), (8, 0.45), (24, end)):
            rows.append(row | {"arm": arm, "pair": pair, "turned": turned, "step": step})
            rows[-1] |= {f"trained_{name}": value for name in ("right", "style_logit", "greedy")}
    return pd.DataFrame([*rows, rows[0] | {"arm": "frozen"}])


def test_pairs_by_hand():
    changes = pair_changes(paths_by_hand(), "right").set_index(["pair", "step"])
    assert changes.loc[(0, 24), ["mean", "walk"]].tolist() == pytest.approx([0.05, 0.15])
    assert changes.loc[(1, 24), ["mean", "walk"]].tolist() == pytest.approx([0.1, 0.0])
    assert (changes.loc[(slice(None), 0), ["mean", "walk"]] == 0).all(axis=None)


def test_arms_by_hand():
    table = arm_table(paths_by_hand(), "right").loc["A", "clipped"]
    assert table.loc[0, ["frozen", "random", "turned", "true"]].tolist() == [0.4, 0.6, 0.3, 0.9]
    assert np.isnan(table.loc[1, "true"]) and table["majority"].isna().all()
    assert arm_table(paths_by_hand(), "right", step=8).loc[("A", "clipped", 0), "true"] == 0.45
    assert arm_table(paths_by_hand(), "right", items="held_out")["random"].tolist() == [0.4, 0.4]
    rows = accuracy_table(paths_by_hand())
    assert rows["cell"].unique().tolist() == ["A clipped"] and len(rows) == 6


def test_results_give_pairs_their_mean_and_their_walk():
    results = load_results(REGISTERED["3"][1])
    table = arm_table(language_model_paths(), "right").loc["B", "clipped"]
    mean = results.arm("B clipped", "random", "right")
    assert np.allclose(mean, table[["random", "turned"]].mean(axis=1))
    walk = results.arm("B clipped", "random", "right", "walk")
    assert np.allclose(walk, (table["random"] - table["turned"]) / 2) and (walk < 0).any()
    assert np.allclose(results.arm("B clipped", "random", "right", "size"), np.abs(walk))
    assert (results.arm("B clipped", "frozen", "right", "walk") == 0).all()
    for wrong in ({"measure": None}, {"measure": "wrong"}, {"half": "other"}, {"arm": "none"}):
        with pytest.raises(ValueError, match="must be one of"):
            results.arm(**{"cell": "A clipped", "arm": "random", "measure": "right"} | wrong)


def test_outcomes_are_one_row_an_arm_run_and_question():
    items = language_model_items()
    table = language_model_outcomes(items, family="A")
    assert set(table["arm"]) == {"frozen", "random", "majority", "true"} and set(table["correct"]) == {0, 1}
    assert table.groupby(["arm", "run"])["item"].nunique().eq(51).all()
    assert table[table["arm"] == "random"]["run"].nunique() == 16
    exact = language_model_outcomes(items, family="A", correct="right")
    assert abs(table["correct"].mean() - exact["correct"].mean()) < 4 * np.sqrt(0.25 / len(table))
    with pytest.raises(ValueError, match="family"):
        language_model_outcomes(items, family="C")
