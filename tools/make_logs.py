"""Make the small evaluation logs of the tests with the tools that write them.

    python tools/make_logs.py lm-eval       # where lm-evaluation-harness is installed (made with 0.4.13)
    python tools/make_logs.py inspect       # where inspect-ai is installed (made with 0.3.285)
    python tools/make_logs.py inspect-cases # epochs reduced by max, a sample that crashes, one not scored
    python tools/make_logs.py outcomes      # the same answers as tables, needs neither

The answers are scripted; no model is run. Times, identifiers and folders are replaced, so the files do not
depend on the time and place of the run.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

LOGS = Path(__file__).parent.parent / "tests" / "data" / "logs"
MOMENT = "2026-01-01T00-00-00.000000"

# One letter per item: s is right in the strict form, f is right under a reader of any number, - is wrong.
# One word per sample of the items; one list per training run.
ANSWERS: dict[str, list[list[str]]] = {
    "frozen": [["s-f-----", "s-------"]],
    "random": [["ssf-----", "ss------"]],
    "majority": [["sss-f---", "ss--s---"]],
    "true": [["sssssfs-", "sss-sss-"], ["ssssssfs", "sss-ss-s"]],
}
RIGHT = {"strict": "s", "flexible": "sf"}
N_ITEMS = len(ANSWERS["frozen"][0][0])


def question(item: int) -> str:
    """The question of an item."""
    return f"What is {101 + item} + {200 + item}?"


def target(item: int) -> str:
    """The right answer."""
    return str(301 + 2 * item)


def answer(arm: str, run: int, item: int, sample: int) -> str:
    """The answer of the scripted model."""
    letter = ANSWERS[arm][run][sample][item]
    return {"s": f"The answer is {target(item)}", "f": f"{target(item)} it is", "-": "The answer is 0"}[
        letter
    ]


def runs() -> list[tuple[str, int]]:
    """All training runs, as (arm, run)."""
    return [(arm, run) for arm, all_runs in ANSWERS.items() for run in range(len(all_runs))]


def make_outcomes() -> None:
    """The answers as tables in the format of outcomes: lm-eval's first sample, and the mean of both."""
    for name, n_samples in (("lm_eval", 1), ("inspect", 2)):
        for reader, letters in RIGHT.items():
            with (LOGS / f"{name}_{reader}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(["study", "model", "benchmark", "arm", "run", "item", "correct"])
                for arm, run in runs():
                    words = ANSWERS[arm][run][:n_samples]
                    for item in range(N_ITEMS):
                        right = sum(word[item] in letters for word in words) / n_samples
                        writer.writerow(["logs", "base", "sums", arm, run + 1, f"{item:03d}", right])


TASK = """
task: sums
dataset_path: json
dataset_kwargs: {data_files: {test: FOLDER/sums.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{question}}\\nAnswer:"
doc_to_target: "{{answer}}"
generation_kwargs: {until: ["\\n\\n"], do_sample: false}
metric_list: [{metric: exact_match, aggregation: mean, higher_is_better: true}]
filter_list:
  - name: strict-match
    filter: [{function: regex, regex_pattern: "answer is (-?[0-9]+)"}, {function: take_first}]
  - name: flexible-extract
    filter: [{function: regex, regex_pattern: "(-?[0-9]+)"}, {function: take_first}]
"""


def make_lm_eval() -> None:
    """One folder per arm, with one per model inside, as `lm_eval --output_path ARM` writes them."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    import lm_eval
    from lm_eval.api.model import LM
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    class Scripted(LM):
        def __init__(self, arm: str, run: int) -> None:
            super().__init__()
            self.of = arm, run

        def generate_until(self, requests, disable_tqdm=False):
            items = [int(re.search(r"is (\d+)", request.args[0])[1]) - 101 for request in requests]
            return [answer(*self.of, item, 0) for item in items]

        def loglikelihood(self, requests, disable_tqdm=False):
            raise NotImplementedError

        loglikelihood_rolling = loglikelihood

    shutil.rmtree(LOGS / "lm_eval", ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [json.dumps({"question": question(item), "answer": target(item)}) for item in range(N_ITEMS)]
        (folder / "sums.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "sums.yaml").write_text(TASK.replace("FOLDER", name), encoding="utf-8")
        tasks = TaskManager(include_path=name, include_defaults=False)
        for arm, run in runs():
            tracker = EvaluationTracker(output_path=str(folder / f"{arm}-{run + 1}"))
            results = lm_eval.simple_evaluate(
                Scripted(arm, run), tasks=["sums"], task_manager=tasks, log_samples=True, bootstrap_iters=0
            )
            samples = results.pop("samples")
            tracker.save_results_aggregated(results=results, samples=samples)
            tracker.save_results_samples(task_name="sums", samples=samples["sums"])
            (written,) = (folder / f"{arm}-{run + 1}").rglob("samples_*.jsonl")
            model = "base" if arm == "frozen" else f"base-{arm}-{run + 1}"
            place = LOGS / "lm_eval" / arm / model / f"samples_sums_{MOMENT}.jsonl"
            place.parent.mkdir(parents=True)
            shutil.copyfile(written, place)


def make_inspect() -> None:
    """One `.eval` per training run, and that of FROZEN also as `.json`."""
    from inspect_ai import Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.log import read_eval_log, write_eval_log
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import includes, match
    from inspect_ai.solver import solver

    @solver
    def scripted(arm: str, run: int):
        async def solve(state, generate):
            reply = answer(arm, run, int(state.sample_id.removeprefix("sum-")), state.epoch - 1)
            state.output = ModelOutput.from_content(str(state.model), reply)
            return state

        return solve

    shutil.rmtree(LOGS / "inspect", ignore_errors=True)
    (LOGS / "inspect").mkdir(parents=True)
    samples = [Sample(id=f"sum-{item}", input=question(item), target=target(item)) for item in range(N_ITEMS)]
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        for arm, run in runs():
            task = Task(
                dataset=MemoryDataset(samples, name="sums"),
                solver=scripted(arm, run),
                scorer=[match(), includes()],
                epochs=2,
                name="sums",
            )
            model = "mockllm/base" if arm == "frozen" else f"mockllm/base-{arm}-{run + 1}"
            (log,) = eval(task, model=model, log_dir=name, display="none", max_samples=1, log_realtime=False)
            scrub_zip(Path(log.location), LOGS / "inspect" / f"{arm}-{run + 1}.eval")
            if arm == "frozen":
                write_eval_log(read_eval_log(log.location), str(Path(name) / "log.json"))
                text = scrubbed(Path(name, "log.json").read_text(encoding="utf-8"), {}, name)
                short = json.dumps(json.loads(text), separators=(",", ":"))
                (LOGS / "inspect" / "frozen-1.json").write_text(short + "\n", encoding="utf-8")


def make_inspect_cases() -> None:
    """Cases that Inspect counts in its own way, as `.json` of the header and the summaries of samples."""
    from inspect_ai import Epochs, Task, eval
    from inspect_ai.dataset import MemoryDataset, Sample
    from inspect_ai.log import read_eval_log_sample_summaries
    from inspect_ai.model import ModelOutput
    from inspect_ai.scorer import Score, accuracy, match, scorer
    from inspect_ai.solver import solver

    rights = {"max": ["10000", "01100"], "crash": ["1x000"], "unscored": ["11000"]}

    @solver
    def scripted(name: str):
        async def solve(state, generate):
            item = int(state.sample_id[1:])
            letter = rights[name][state.epoch - 1][item]
            if letter == "x":
                raise RuntimeError("crash")
            state.output = ModelOutput.from_content(str(state.model), target(item) if letter == "1" else "0")
            return state

        return solve

    @scorer(metrics=[accuracy()])
    def partly():
        async def score(state, wanted):
            if state.sample_id == "s0":
                return Score(value=float("nan"))
            return Score(value="yes" if wanted.text == state.output.completion else "no")

        return score

    samples = [Sample(id=f"s{item}", input=question(item), target=target(item)) for item in range(5)]
    place = LOGS.parent.parent / "logs" / "data"
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, words in rights.items():
            task = Task(
                dataset=MemoryDataset(samples, name="sums"),
                solver=scripted(name),
                scorer=partly() if name == "unscored" else match(),
                epochs=Epochs(len(words), "max") if name == "max" else 1,
                name="sums",
            )
            (log,) = eval(
                task, model="mockllm/base", log_dir=folder, display="none", fail_on_error=False, max_samples=1
            )
            parts = {"version", "status", "eval", "plan", "results"}
            header = log.model_dump(mode="json", include=parts, exclude_none=True)
            about = ("task", "task_id", "model", "config", "model_generate_config", "packages")
            header["eval"] = {key: header["eval"][key] for key in about}
            of_sample = ("id", "epoch", "input", "target", "scores", "error", "uuid", "completed")
            header["samples"] = [
                {key: value for key, value in summary.model_dump().items() if key in of_sample and value}
                for summary in read_eval_log_sample_summaries(log.location)
            ]
            text = scrubbed(json.dumps(header, indent=1, default=str), {}, folder)
            (place / f"inspect-{name}.json").write_text(text + "\n", encoding="utf-8")


def scrubbed(text: str, seen: dict[str, str], folder: str) -> str:
    """Replace times, durations, identifiers and the folder in JSON, equal ones by equal ones."""

    def renamed(found: re.Match) -> str:
        return '"' + seen.setdefault(found[1], f"identifier-{len(seen):09d}") + '"'

    text = text.replace(folder, "folder")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)", "2026-01-01T00:00:00+00:00", text)
    text = re.sub(r'("\w*(?:time|working_start|timestamp)": ?)[\d.]+(e-\d+)?', r"\g<1>0.0", text)
    return re.sub(r'"([2-9A-HJ-NP-Za-km-z]{22})"', renamed, text)


def scrub_zip(source: Path, place: Path) -> None:
    """Scrub the members of an archive, with Zstandard as before and the directory's dates set to one time."""
    import zipfile_zstd  # noqa: F401 (it teaches `zipfile` method 93)

    seen: dict[str, str] = {}
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(place, "w") as new:
        for member in old.infolist():
            text = scrubbed(old.read(member).decode(), seen, str(source.parent))
            entry = zipfile.ZipInfo(member.filename, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = member.compress_type
            new.writestr(entry, text)


if __name__ == "__main__":
    makers = {
        "lm-eval": make_lm_eval,
        "inspect": make_inspect,
        "inspect-cases": make_inspect_cases,
        "outcomes": make_outcomes,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    makers[sys.argv[1]]()
