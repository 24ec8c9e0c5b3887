"""The commands that run studies: `sweep`, `factorial`, `replay` (the published study) and `protocol`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rlvr._checks import counted, shortened, shown
from rlvr._escaping import visible
from rlvr._writing import refuse_overwriting, remove_halves, replacing
from rlvr.commands.refusal import refuse, refusing
from rlvr.commands.stored_commands import check_folder, keeping, needs, rebuild_all, rebuild_into, say_instead

__all__ = ["app"]

app = typer.Typer()

_STRENGTHS = typer.Option([0.20, 0.35, 0.50, 0.65, 0.80], help="Repeat for several.")
_REPLAY = typer.Option(None, "--store", help="Write the comparison to this CSV file too.")
_STORE = typer.Option(None, help="Rebuild the stored dense sweep into this folder instead (minutes).")
_KEEP = typer.Option(None, "--keep", help="Keep finished parts in this folder until the run is complete.")
_GO_ON = typer.Option(False, "--resume", help="With --keep: continue an interrupted run.")


@contextmanager
def _kept(folder: Path | None, name: str, resume: bool) -> Iterator[dict[str, Any]]:
    """Yield settings that keep finished work in a hidden folder inside `folder`; none if that is None."""
    check_folder(folder, resume, option="--keep")
    if folder is None:
        yield {}
        return
    with refusing(), keeping([folder / f".{name}-chunks"], resume=resume) as (kept,):
        yield {"executor": kept}


@app.command()
def sweep(
    prior_strength: list[float] = _STRENGTHS,
    n_tasks: int = typer.Option(100, help="Task draws: the unit of replication."),
    n_seeds: int = typer.Option(8, help="Training seeds in each task draw."),
    n_steps: int = typer.Option(200, help="Training steps."),
    tie_break: str = typer.Option("lowest", help="lowest (as published) or uniform."),
    seed: int = typer.Option(0, help="Root of all randomness."),
    store: Path | None = _STORE,
    keep: Path | None = _KEEP,
    resume: bool = typer.Option(
        False, "--resume", help="With --store or --keep: continue an interrupted run."
    ),
) -> None:
    """Simulate the four arms over prior strengths and print the terms with 95% intervals."""
    from rlvr.decomposition import PARTS, decompose
    from rlvr.simulator.grpo_config import GRPOConfig
    from rlvr.simulator.task_family import TaskFamily
    from rlvr.simulator.trainer import simulate

    check_folder(store, resume and keep is None, "sweep.csv", "crossings.csv")
    if store is not None and keep is not None:
        raise refuse(ValueError("--keep and --store exclude each other; --store alone keeps finished work"))
    if store is not None:
        from rlvr.experiments.prior_sweep import SWEEP

        say_instead("sweep --store", "sweep --rebuild")
        with refusing():
            _, crossings = rebuild_into(store, SWEEP, "sweep", resume=resume)
        for (size, tie_break), at in crossings.iterrows():
            span = f"{at.value:.4f} [{at.low:.4f}, {at.high:.4f}]"
            typer.echo(f"{size} settings, {tie_break} ties: elicitation turns positive at {span}")
        return
    table = Table(
        "prior strength",
        "prior accuracy",
        "null",
        "elicitation",
        "reward design",
        "reward design / naive",
        title=f"Population terms: {counted(n_tasks, 'task draw')} x {counted(n_seeds, 'seed')}, "
        "95% t intervals over task draws",
    )
    with refusing():
        config = GRPOConfig(n_steps=n_steps, tie_break=tie_break)
        families = [TaskFamily(prior_strength=strength) for strength in prior_strength]
        with _kept(keep, "sweep", resume) as kept:
            trained = simulate(
                families, config, n_tasks=n_tasks, n_seeds=n_seeds, seed=seed, progress=True, **kept
            )
        for family, runs in zip(families, trained, strict=True):
            parts = decompose(runs)
            table.add_row(
                f"{family.prior_strength:.2f}",
                f"{family.prior_accuracy:.4f}",
                *(f"{getattr(parts, name):+.4f}" for name in PARTS),
                f"{parts.reward_design_fraction:.3f}",
            )
    Console().print(table)


@app.command()
def factorial(
    filtering: str = typer.Option("drop", help="What B = +1 stands for: drop or refill; B = -1 is off."),
    stronger: float = typer.Option(0.80, help="Prior strength at C = +1."),
    weaker: float = typer.Option(0.35, help="Prior strength at C = -1."),
    scale: str = typer.Option("accuracy", help="accuracy or logit."),
    n_blocks: int = typer.Option(100, help="Task draws: the unit of replication."),
    n_seeds: int = typer.Option(2, help="Training seeds in each task draw."),
    seed: int = typer.Option(0, help="Root of all randomness."),
    keep: Path | None = _KEEP,
    resume: bool = _GO_ON,
) -> None:
    """Simulate a 2x2x2 design (reward, filtering, prior) over task draws; print effects in ±1 coding."""
    from rlvr.experiments.factorial_design import fit, interaction_ratio, on_scale, run_blocks

    with refusing():
        with _kept(keep, "factorial", resume) as kept:
            blocks = run_blocks(
                (stronger, weaker), filtering=filtering, n_blocks=n_blocks, n_seeds=n_seeds, seed=seed, **kept
            )
        cells = on_scale(blocks.cells, scale)
        estimates, ratio = fit(cells), interaction_ratio(cells)
    table = Table("effect", f"on the {scale} scale, 95% interval over {counted(n_blocks, 'task draw')}")
    for effect, estimate in estimates.items():
        table.add_row(effect, f"{estimate:+.6f}")
    console = Console()
    console.print(table)
    console.print(
        f"{ratio.interaction} / {ratio.main}: {ratio.ratio:.4f} (both largest in {ratio.stability:.1%})"
    )


@app.command()
def replay(
    quick: bool = typer.Option(
        False, "--quick", help="Only the light sweep at prior strengths 0.20 and 0.80."
    ),
    heavy: bool = typer.Option(False, "--heavy", help="The heavy sweep and factorial too (minutes)."),
    store: Path | None = _REPLAY,
    keep: Path | None = _KEEP,
    resume: bool = _GO_ON,
) -> None:
    """Rerun the published study with the same random draws; exit 1 if a published digit differs."""
    from rlvr.experiments.published_study import compare

    with refusing():
        refuse_overwriting({"--store": store}, [])
    table = Table("table", "quantity", "published", "replayed", "equal?", title="Published against replayed")
    rows = []
    console = Console()
    with refusing(), _kept(keep, "replay", resume) as kept, console.status("replaying") as status:
        if store is not None and keep is not None:  # the folder has one user, so no other process writes here
            remove_halves(store)
        for row in compare(quick=quick, heavy=heavy, **kept):
            status.update(f"replayed {row.table}")
            rows.append(row)
            table.add_row(
                row.table,
                row.quantity,
                row.published,
                row.replayed,
                "yes" if row.equal else "[bold red]NO[/]",
            )
        if store is not None:  # before the kept work is removed
            import pandas as pd

            with replacing(store) as (new,):
                pd.DataFrame(rows).to_csv(new, index=False)
    console.print(table)
    equal = sum(row.equal for row in rows)
    console.print(f"{equal} of {len(rows)} published numbers are equal to the last digit")
    raise typer.Exit(0 if equal == len(rows) else 1)


protocol = typer.Typer(
    no_args_is_help=True, help="The registered protocols: check their results, or rerun them."
)
app.add_typer(protocol, name="protocol")

_PROTOCOL = typer.Option(None, "--protocol", help="Protocol file. Default: every registered one.")
_RESULTS = typer.Option(None, "--results", help="Stem of the stored results. Default: ours.")


def _registrations(protocol_file: Path | None, results_stem: Path | None) -> list[tuple[Path, Path]]:
    """Return the protocols with the stems of their results: every registered one, or the named one."""
    from rlvr.experiments.sealed_protocol import PROTOCOL, REGISTERED, RESULTS

    if protocol_file is None and results_stem is None:
        return list(REGISTERED.values())
    return [(protocol_file or PROTOCOL, results_stem or RESULTS)]


@protocol.command("check")
def protocol_check(protocol_file: Path | None = _PROTOCOL, results_stem: Path | None = _RESULTS) -> None:
    """Print each digest and each hypothesis with its verdict; exit 1 if digest and results disagree."""
    from rlvr.experiments.protocol_verdicts import judge
    from rlvr.experiments.sealed_protocol import load_protocol, load_results

    console = Console()
    for file, stem in _registrations(protocol_file, results_stem):
        with refusing():
            registered = load_protocol(file)
            results = load_results(stem)
        digest = f"protocol sha256 {registered.digest}"
        if results.digest != registered.digest:
            console.print(digest, soft_wrap=True)
            console.print(
                Text(f"results  sha256 {visible(shortened(results.digest))}"), soft_wrap=True, highlight=False
            )
            console.print("[bold red]The stored results were made under another protocol.[/]")
            raise typer.Exit(1)
        try:
            judgements = judge(registered, results)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, ArithmeticError) as problem:
            reason = shortened(str(problem), most=200)
            raise refuse(ValueError(f"the protocol cannot be judged: {reason}")) from None
        table = Table("hypothesis", "statement", "verdict", "Holm-adjusted p")
        for judgement in judgements:
            # Text shows its content literally; the terminal library reads no markup in it.
            name, statement = (Text(visible(str(part))) for part in (judgement.name, judgement.statement))
            table.add_row(name, statement, judgement.verdict, f"{judgement.adjusted_p:.2g}")
        console.print(digest, soft_wrap=True)
        console.print(table)


def _trained_elsewhere(file: Path, stem: Path, write: bool) -> bool:
    """Verify stored runs that the simulator cannot repeat; refuse to write them."""
    from rlvr.experiments.language_model_runs import LANGUAGE_MODEL, LANGUAGE_MODEL_REPEAT
    from rlvr.experiments.sealed_protocol import REGISTERED
    from rlvr.experiments.stored import check

    stored = {REGISTERED["3"]: LANGUAGE_MODEL, REGISTERED["4"]: LANGUAGE_MODEL_REPEAT}.get((file, stem))
    if write or stored is None:
        raise ValueError(
            f"{shortened(file.name)} states no family that the simulator could train; the runs of the third "
            f"and the fourth protocol are trained by `{(stored or LANGUAGE_MODEL).made_by}`"
        )
    typer.echo(f"{file.name}: verified, not run again; `{stored.made_by}` trains its runs")
    return all(check(stored).values())


@protocol.command("run")
def protocol_run(
    protocol_file: Path | None = _PROTOCOL,
    results_stem: Path | None = _RESULTS,
    write: bool = typer.Option(False, "--write", help="Store the results instead of comparing with them."),
    keep: Path | None = _KEEP,
    resume: bool = typer.Option(
        False, "--resume", help="With --write or --keep: continue an interrupted run."
    ),
) -> None:
    """Rerun everything that was registered (a few minutes); exit 1 if a bit differs from the results."""
    from rlvr.experiments.sealed_protocol import confirmatory_run, load_protocol, load_results, run_protocol
    from rlvr.experiments.stored import check

    same = True
    try:
        needs(resume, write or keep, "--write or --keep")
        if write and keep is not None:
            raise ValueError("--keep and --write exclude each other; --write alone keeps finished work")
        named = _registrations(protocol_file, results_stem)
        protocols = {file: load_protocol(file) for file, _ in named}
        elsewhere = [each for each in named if not protocols[each[0]].is_simulated]
        named = [each for each in named if each not in elsewhere]
        runs = [(protocols[file], confirmatory_run(file, stem), stem) for file, stem in named]
        if write:
            for (file, stem), (_, experiment, _) in zip(named, runs, strict=True):
                outputs = {f"--results: {name}": stem.parent / name for name in experiment.files}
                refuse_overwriting(outputs, [file])
            parts = [(stem.parent, experiment, stem.name) for _, experiment, stem in runs]
            rebuild_all(parts, resume=resume)
        with _kept(keep, "protocol", resume and not write) as kept:
            for file, stem in elsewhere:
                same &= _trained_elsewhere(file, stem, write)
            for registered, experiment, stem in runs:
                if write:
                    typer.echo(f"stored results of protocol {registered.digest[:12]}")
                elif load_results(stem).digest != registered.digest:
                    run_protocol(registered)  # refuses what cannot be run
                    same = False
                else:
                    same &= all(check(experiment, progress=True, **kept).values())
    except (ValueError, TypeError, OSError) as problem:
        raise refuse(problem) from None
    except KeyError as missing:
        raise refuse(ValueError(f"the protocol does not state {shown(missing.args[0])}")) from None
    if not write:
        verdict = "every bit is as stored" if same else "[bold red]the results differ from the stored ones[/]"
        Console().print(verdict)
    raise typer.Exit(0 if same else 1)
