"""Reading the stored runs: what is there adds up, and cells are cut out as asked."""

import gzip
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from book.network_changes import changes_by_reading, terms_by_base
from rlvr import audit, decompose
from rlvr._data import DATA
from rlvr.experiments.network_runs import (
    NETWORK,
    NETWORK_CONTROLS,
    network_accuracies,
    network_items,
    network_outcomes,
    network_paths,
    network_record,
)
from rlvr.experiments.stored import check

PATHS, ITEMS = network_paths(), network_items()
BOTH = pytest.mark.parametrize("controls", [False, True], ids=["arms", "controls"])
KEYS = ["prior", "arm", "design", "rate", "seed"]


@BOTH
def test_the_record_says_how_the_trainer_was_set(controls):
    record, paths = network_record(controls=controls), network_paths(controls=controls)
    assert record["trainer"]["loss_type"] == "dapo" and record["trainer"]["beta"] == "0.0"
    assert record["trainer"]["adam_beta1"] == "0.9" and record["trainer"]["scale_rewards"] == "group"
    assert record["epsilon"]["clipped"] == "0.2" and float(record["epsilon"]["unclipped"]) > 1e6
    assert {"trl", "transformers", "torch", "python"} <= set(record["versions"])
    assert record["planned"] >= record["runs"] == len(paths[KEYS].drop_duplicates())
    assert sum((DATA / name).stat().st_size for name in record["sha256 of the text"]) < 5e6


@BOTH
def test_both_tables_hold_the_same_runs_and_every_run_is_whole(controls):
    paths, items = network_paths(controls=controls), network_items(controls=controls)
    in_paths, in_items = (set(t[KEYS].itertuples(index=False, name=None)) for t in (paths, items))
    assert in_paths == in_items
    assert (items.groupby(KEYS)["item"].apply(lambda items: sorted(items) == list(range(100)))).all()
    steps = network_record(controls=controls)["common"]["steps"]
    ends = paths.groupby(KEYS)["step"].max().reset_index()
    assert (ends["step"] == np.where(ends["arm"] == "frozen", 0, steps)).all()
    assert not paths.isna().any(axis=None) and not items.isna().any(axis=None)


def test_the_controls_are_made_of_what_made_the_four_arms():
    arms, controls = network_record(), network_record(controls=True)
    assert controls["runs"] <= controls["planned"] == 32
    seeds = network_paths(controls=True)[KEYS].drop_duplicates().groupby("seed").size()
    assert (seeds == 4).all()  # cut short, still balanced
    assert all(arms["designs"][name] == how for name, how in controls["designs"].items())
    assert {name: arms[name] for name in ("common", "trainer", "versions")} == {
        name: controls[name] for name in ("common", "trainer", "versions")
    }


def lose_a_run(path):
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    path.write_bytes(gzip.compress("".join(line for line in lines if "strong,true" not in line).encode()))


def count_a_run_more(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"runs": record["runs"] + 1}), encoding="utf-8")


def set_another_trainer(path):
    record = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(record | {"trainer": {}}), encoding="utf-8")


def start_elsewhere(path):
    table = pd.read_csv(path)
    table.loc[table["step"] == 0, "trained_entropy"] += 0.001
    path.write_bytes(gzip.compress(table.to_csv(index=False, lineterminator="\n").encode()))


def miss_an_answer(path):
    text = gzip.decompress(path.read_bytes()).decode()
    table = pd.read_csv(io.StringIO(text))
    table.loc[7, "right"] += 0.02
    path.write_bytes(gzip.compress(table.to_csv(index=False).encode()))


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("network_paths.csv.gz", lose_a_run, ["paths.csv.gz has the SHA-256", "hold the runs", "accuracy"]),
        ("network.json", count_a_run_more, ["hold the runs"]),
        ("network_items.csv.gz", miss_an_answer, ["network_items.csv.gz has the SHA-256", "accuracy"]),
        ("network_controls.json", set_another_trainer, ["trainer of the controls"]),
        ("network_controls_paths.csv.gz", start_elsewhere, ["paths.csv.gz has the SHA-256", "FROZEN"]),
    ],
)
def test_files_that_do_not_belong_together_are_noticed(tmp_path, monkeypatch, name, change, words):
    for file in NETWORK.files + NETWORK_CONTROLS.files:
        shutil.copy(DATA / file, tmp_path)
    change(tmp_path / name)
    monkeypatch.setattr("rlvr._data.DATA", tmp_path)
    experiment = NETWORK_CONTROLS if "controls" in name else NETWORK
    failing = [part for part, holds in check(experiment).items() if not holds]
    assert len(failing) == len(words)
    assert all(word in part for word, part in zip(words, failing, strict=True))


def test_every_network_starts_within_a_hundredth_of_its_prior():
    start = PATHS[PATHS["step"] == 0]
    known = start["prior"].map({"weak": 0.2, "middle": 0.4, "strong": 0.6})
    for items in ("trained", "held_out"):
        assert (start[f"{items}_right"] - known).abs().max() < 0.01
        assert (start[f"{items}_share_c"] - 0.65).abs().max() < 0.01
        after_c = start[f"{items}_from_c"] / start[f"{items}_share_c"]
        after_d = start[f"{items}_from_d"] / start[f"{items}_share_d"]
        assert (after_c - 1.25 * known).abs().max() < 0.01
        assert (after_d - 1.25 * known * 3 / 7).abs().max() < 0.01


def test_arms_of_one_seed_start_from_the_same_network():
    start = PATHS[PATHS["step"] == 0].groupby(["prior", "seed"])["trained_right"]
    assert (start.max() == start.min()).all()


def test_nothing_is_clipped_where_nothing_can_be():
    assert (PATHS.loc[PATHS["design"].isin(["unclipped", "one update"]), "clipped"] == 0).all()
    assert (PATHS.loc[PATHS["design"] == "clipped", "clipped"] > 0).any()


def test_a_cell_is_what_decompose_takes():
    arms = network_accuracies(PATHS, prior="middle", design="clipped")
    assert list(arms) == ["frozen", "random", "majority", "true"]
    parts = decompose(**arms)
    assert parts.total.value == pytest.approx(arms["true"].mean() - arms["frozen"].mean())
    assert arms["frozen"].mean() == pytest.approx(0.4, abs=0.005)
    alone = network_accuracies(PATHS, prior="middle", design="one update", items="held_out", step=8)
    assert list(alone) == ["frozen", "random"]


def test_every_arm_ran_with_and_without_the_clip_on_the_same_seeds():
    cells = [(prior, "low") for prior in ("weak", "middle", "strong")]
    for prior, rate in [*cells, ("middle", "middle"), ("middle", "high")]:
        with_clip, without = (
            network_accuracies(PATHS, prior=prior, rate=rate, design=design)
            for design in ("clipped", "unclipped")
        )
        assert list(with_clip) == list(without) == ["frozen", "random", "majority", "true"]
        assert {len(values) for values in [*with_clip.values(), *without.values()]} == {8}
        assert (with_clip["frozen"] == without["frozen"]).all()  # the same networks, untrained
        steps = PATHS[(PATHS.prior == prior) & (PATHS.rate == rate)].groupby("design").step.max()
        assert steps["clipped"] == steps["unclipped"] == 96


def test_the_clip_moves_true_minus_random_and_not_true():
    cell = {"prior": "middle", "rate": "middle"}
    means = {
        design: {arm: values.mean() for arm, values in found.items()}
        for design in ("clipped", "unclipped")
        for found in [network_accuracies(PATHS, design=design, **cell)]
    }
    moved = {arm: means["clipped"][arm] - means["unclipped"][arm] for arm in means["clipped"]}
    assert abs(moved["true"]) < 0.005 and moved["random"] > 0.05
    ends = PATHS[(PATHS.step == 96) & (PATHS.seed < 8) & (PATHS.arm == "random")]
    ends = ends[(ends.prior == "middle") & (ends.rate == "middle")].groupby("design").trained_right.mean()
    assert moved["random"] == pytest.approx(ends["clipped"] - ends["unclipped"])


def test_a_cell_by_hand():
    rows = [
        ("p", "frozen", "untrained", "none", 1, 0, 0.1), ("p", "frozen", "untrained", "none", 0, 0, 0.2),
        ("p", "true", "clipped", "low", 0, 0, 0.2), ("p", "true", "clipped", "low", 0, 8, 0.9),
        ("p", "true", "clipped", "low", 1, 0, 0.1), ("p", "true", "clipped", "low", 1, 8, 0.7),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*KEYS, "step", "trained_right"])
    found = network_accuracies(table, prior="p", design="clipped")
    assert {arm: values.tolist() for arm, values in found.items()} == {
        "frozen": [0.2, 0.1],
        "true": [0.9, 0.7],
    }
    fewer = network_accuracies(table[:-1], prior="p", design="clipped")  # seed 1 has lost an arm
    assert {arm: values.tolist() for arm, values in fewer.items()} == {"frozen": [0.2], "true": [0.9]}
    with pytest.raises(ValueError, match="no seed has all arms"):
        network_accuracies(table.iloc[[0, 2, 3]], prior="p", design="clipped")
    with pytest.raises(ValueError, match=r"step must be one of \[0, 8\], got 9"):
        network_accuracies(table, prior="p", design="clipped", step=9)
    with pytest.raises(ValueError, match=r"no runs of \('p', 'x', 'low'\); there are"):
        network_accuracies(table, prior="p", design="x")
    with pytest.raises(ValueError, match="items must be one of 'trained', 'held_out', got 'all'"):
        network_accuracies(table, prior="p", design="clipped", items="all")


def test_outcomes_are_in_the_format_of_the_audit():
    cell = audit(network_outcomes(ITEMS, prior="strong", design="clipped")).cells[0]
    assert list(cell.cell.arms) == ["frozen", "random", "majority", "true"]
    assert {arm.n_items for arm in cell.cell.arms.values()} == {100}
    assert set(np.unique(cell.cell.arms["true"].outcomes)) == {0.0, 1.0}
    exact = audit(network_outcomes(ITEMS, prior="strong", design="clipped", correct="right")).cells[0]
    assert exact.cell.arms["frozen"].accuracy == pytest.approx(0.6, abs=0.005)
    for arm, found in exact.cell.arms.items():
        assert cell.cell.arms[arm].accuracy == pytest.approx(found.accuracy, abs=0.08)
    with pytest.raises(ValueError, match="correct must be one of 'sampled', 'right', 'greedy'"):
        network_outcomes(ITEMS, prior="strong", design="clipped", correct="both")
    with pytest.raises(ValueError, match=r"no items of \('none', 'clipped', 'low'\)"):
        network_outcomes(ITEMS, prior="none", design="clipped")


def test_sampled_outcomes_are_drawn_with_their_chances_and_by_seed():
    table = pd.DataFrame(
        {
            "prior": "p", "arm": "true", "design": "d", "rate": "low", "seed": 0,
            "item": range(3000), "right": np.repeat([0.0, 0.3, 1.0], 1000), "greedy": 1,
        }
    )  # fmt: skip
    drawn = [network_outcomes(table, prior="p", design="d", seed=seed)["correct"] for seed in (0, 0, 1)]
    shares = drawn[0].groupby(np.repeat([0, 1, 2], 1000)).mean()
    assert shares[0] == 0 and shares[2] == 1 and abs(shares[1] - 0.3) < 0.05
    assert drawn[0].equals(drawn[1]) and not drawn[0].equals(drawn[2])


def random_changes(items="trained"):
    """Last step minus first of RANDOM, a DataFrame (run, reading) by cell."""
    table = changes_by_reading(PATHS, items=items)
    ends = table[(table["arm"] == "random") & (table["step"] == table["step"].max())]
    return 100 * ends.set_index(["prior", "rate", "design"])[["sampled", "greedy"]]


@pytest.mark.parametrize("items", ["trained", "held_out"])
def test_greedy_nulls_have_the_sign_of_the_start_and_sampled_ones_do_not(items):
    means = random_changes(items).groupby(level=[0, 1, 2]).mean()
    assert len(means) == 16
    weak = means.index.get_level_values("prior") == "weak"
    assert (means.loc[weak, "greedy"] > 14).all() and (means.loc[~weak, "greedy"] < -15).all()
    assert (means["sampled"] < 1).all()
    start = PATHS[PATHS["step"] == 0].groupby("prior")[f"{items}_greedy"].agg(["min", "max"])
    assert start.loc["weak"].tolist() == [0, 0] and (start.drop("weak") == 1).all(axis=None)


def test_what_both_readings_give_as_recomputed_from_the_stored_tables():
    means = random_changes().groupby(level=[0, 1, 2]).mean().round(1)
    expected = {
        ("weak", "low", "clipped"): (0.0, 27.1), ("weak", "low", "unclipped"): (0.9, 31.8),
        ("weak", "middle", "clipped"): (-1.2, 27.1), ("weak", "middle", "unclipped"): (-5.7, 15.6),
        ("middle", "low", "clipped"): (-3.8, -31.2), ("middle", "middle", "clipped"): (-7.6, -50.1),
    }  # fmt: skip
    assert {cell: tuple(means.loc[cell]) for cell in expected} == expected


def test_sampled_falls_before_and_after_correction():
    sampled = random_changes()["sampled"].groupby(level=[0, 1, 2])
    tests = sampled.agg(lambda cell: stats.ttest_1samp(cell, 0).pvalue)
    falls = sampled.mean() < 0
    assert ((tests < 0.05) & falls).sum() == 13 and ((tests < 0.05) & ~falls).sum() == 0
    assert (multipletests(tests, method="holm")[1] < 0.05).sum() == 7


@pytest.mark.parametrize("design", ["clipped", "unclipped"])
def test_matched_is_not_separated_from_random_and_permuted_ends_below_it(design):
    both = pd.concat([PATHS, network_paths(controls=True)])
    terms = terms_by_base(both, prior="middle", design=design)
    p_value = stats.ttest_1samp(terms["matched"]["away"], 0).pvalue
    assert p_value > 0.05
    assert terms["permuted"]["away"].mean() < -10 < terms["matched"]["away"].mean()
    assert (terms["matched"]["reward_design"] == terms["random"]["reward_design"]).all()


def test_permuted_can_teach_one_digit_for_every_sum():
    items = network_items(controls=True).query("arm == 'permuted' and design == 'unclipped'")
    digit = (items["item"] // 10 + items["item"]) % 10
    right = np.sort(items["right"].groupby([items["seed"], digit]).mean().unstack(), axis=1)
    collapsed = right[right[:, -1] > 0.9]
    assert len(collapsed) >= 4 and collapsed[:, :-1].mean() < 0.05
