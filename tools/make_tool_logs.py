"""Make the small logs of six evaluation tools and of verl, which the tests read, with these tools.

    python tools/make_tool_logs.py lighteval     # where lighteval is installed (made with 0.13.0)
    python tools/make_tool_logs.py evalscope     # where evalscope is installed (made with 1.14.1)
    python tools/make_tool_logs.py nemo-skills   # where NeMo-Skills is installed (made with 0.7.0)
    python tools/make_tool_logs.py opencompass   # where OpenCompass is installed (made with 0.5.4)
    python tools/make_tool_logs.py lmms-eval     # where lmms-eval is installed (made with 0.7.3)
    python tools/make_tool_logs.py verl          # where verl is installed (made with 0.9.1)

The answers are those of `make_logs.py`; a small local server gives them, and no model is run. Nothing is
downloaded. Only fields that no reader uses are left out, times are replaced, and a character that some file
systems refuse in names is percent-encoded (`|` is `%7C`).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from make_logs import LOGS, N_ITEMS, TASK, answer, question, runs, target

TIME = "2026-01-01T00-00-00.000000"


def model_name(arm: str, run: int) -> str:
    """Name the model of a run."""
    return "base" if arm == "frozen" else f"base-{arm}-{run + 1}"


def run_of(model: str) -> tuple[str, int]:
    """Return the arm and the run of a model."""
    return next((pair for pair in runs() if model_name(*pair) == model), ("frozen", 0))


@contextmanager
def server(boxed: bool = False) -> Iterator[str]:
    """Serve the scripted answers as an OpenAI-compatible model; the item 3 of `crash` fails."""
    asked: Counter[tuple[str, int]] = Counter()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            item = int(re.findall(r"is (\d+) \+", json.dumps(request["messages"]))[-1]) - 101
            model = request["model"].rpartition("/")[2]
            sample = request.get("seed") if boxed else asked[model, item]
            asked[model, item] += 1
            if model == "crash" and item == 3:
                return self.reply(500, {})
            text = answer(*run_of(model), item, sample % 2)
            if boxed:
                text = re.sub(r"(\d+)", r"\\boxed{\1}", text)
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}
            about = {"id": "x", "object": "chat.completion", "created": 0, "model": model, "usage": usage}
            return self.reply(200, {**about, "choices": [choice]})

        def reply(self, status: int, content: dict) -> None:
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *ignored) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}/v1"
    finally:
        serving.shutdown()


def write_lines(path: Path, lines: list[dict]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_json(path: Path, content: object) -> None:
    """Write one JSON value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def records_of(path: Path) -> list[dict]:
    """Read JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def fresh(name: str) -> Path:
    """Return an empty folder for the logs of a tool."""
    shutil.rmtree(LOGS / name, ignore_errors=True)
    return LOGS / name


# lighteval ----------------------------------------------------------------------------------------


def make_lighteval() -> None:
    """Sums under two metrics, two samples an item under four, subsets, two splits, and choices."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    from types import ModuleType

    from lighteval.logging.evaluation_tracker import EvaluationTracker
    from lighteval.metrics.metrics import Metrics
    from lighteval.models.custom.custom_model import CustomModelConfig
    from lighteval.models.model_input import GenerationParameters
    from lighteval.pipeline import ParallelismManager, Pipeline, PipelineParameters
    from lighteval.tasks.lighteval_task import LightevalTaskConfig
    from lighteval.tasks.registry import Registry
    from lighteval.tasks.requests import Doc

    # Its own tasks are not used, and two of them ask the network when they are loaded.
    Registry._load_from_files = Registry._load_from_subdirs = staticmethod(lambda *ignored: {})
    place = fresh("lighteval")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [{"question": question(item), "answer": target(item)} for item in range(N_ITEMS)]
        write_lines(folder / "sums" / "test.jsonl", lines)
        write_lines(folder / "sums" / "validation.jsonl", lines[::-1])
        write_lines(folder / "easy" / "test.jsonl", lines[:3])
        write_lines(folder / "hard" / "test.jsonl", lines[3:])
        (folder / "model.py").write_text(MODEL, encoding="utf-8")

        def doc(line: dict, task_name: str | None = None) -> Doc:
            return Doc(
                query=line["question"], choices=[line["answer"], "7"], gold_index=0, task_name=task_name
            )

        def task(name: str, metrics: list, data: str = "sums", splits: tuple[str, ...] = ("test",)):
            return LightevalTaskConfig(
                name=name, prompt_function=doc, hf_repo=str(folder / data), hf_subset="default",
                metrics=metrics, evaluation_splits=splits, hf_avail_splits=splits, generation_size=32,
            )  # fmt: skip

        two = {"n": 2}
        tasks = ModuleType("tasks")
        tasks.TASKS_TABLE = [
            task("sums", [Metrics.exact_match, Metrics.expr_gold_metric]),
            task(
                "twice",
                [
                    Metrics.avg_at_n_math(sample_params=two),
                    Metrics.pass_at_k_math(sample_params={"k": 1, **two}),
                    Metrics.pass_at_k_math(sample_params={"k": 2, **two}),
                    Metrics.maj_at_n(sample_params=two),
                    Metrics.expr_gold_metric,
                ],
            ),
            task("group:easy", [Metrics.expr_gold_metric], "easy"),
            task("group:hard", [Metrics.expr_gold_metric], "hard"),
            task("splits", [Metrics.expr_gold_metric], splits=("test", "validation")),
            task("choice", [Metrics.loglikelihood_acc, Metrics.exact_match]),
        ]

        def evaluate(out: Path, model: str, names: str, temperature: float) -> None:
            tracker = EvaluationTracker(output_dir=str(folder / "out"), save_details=True)
            pipeline = Pipeline(
                tasks=names,
                pipeline_parameters=PipelineParameters(
                    launcher_type=ParallelismManager.CUSTOM, custom_tasks_directory=tasks
                ),
                evaluation_tracker=tracker,
                model_config=CustomModelConfig(
                    model_name=model,
                    model_definition_file_path=str(folder / "model.py"),
                    cache_dir=str(folder / "cache"),
                    generation_parameters=GenerationParameters(temperature=temperature),
                ),
            )
            pipeline.evaluate()
            pipeline.save_and_push_results()
            keep_lighteval(folder / "out", out)
            shutil.rmtree(folder / "out")

        for arm, run in runs():
            evaluate(place / arm, f"my/{model_name(arm, run)}", "sums,twice,group:easy,group:hard", 0.6)
        evaluate(place / "greedy", "my/base", "splits,choice", 0.0)


MODEL = f"""
import re, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from make_tool_logs import answer, run_of
from lighteval.models.abstract_model import LightevalModel
from lighteval.models.model_output import ModelResponse
from lighteval.utils.cache_management import SampleCache

class Scripted(LightevalModel):
    tokenizer, add_special_tokens, max_length = None, False, 2048
    loglikelihood_rolling = None

    def __init__(self, config, *ignored):
        self.config, self._cache = config, SampleCache(config)

    def texts(self, doc):
        item = int(re.search(r"is (\\d+)", doc.query)[1]) - 101
        arm, run = run_of(self.config.model_name.rpartition("/")[2])
        return [answer(arm, run, item, sample % 2) for sample in range(doc.num_samples)]

    def greedy_until(self, docs):
        return [ModelResponse(input=doc.query, text=self.texts(doc)) for doc in docs]

    def loglikelihood(self, docs):
        return [
            ModelResponse(
                input=doc.query, logprobs=[-3.0 if self.texts(doc)[0].endswith(" 0") else -1.0, -2.0],
                argmax_logits_eq_gold=[True, False],
            )
            for doc in docs
        ]
"""


def keep_lighteval(made: Path, place: Path) -> None:
    """Keep the results of one evaluation, and its details without settings of the task."""
    import pyarrow.parquet as parquet
    from pyarrow import Table

    (results,) = made.rglob("results_*.json")
    model = results.parent.relative_to(made / "results")
    document = json.loads(results.read_text(encoding="utf-8"))
    general = document["config_general"]
    config = {
        "generation_parameters": {
            "temperature": general["model_config"]["generation_parameters"]["temperature"]
        }
    }
    about = {
        "model_name": general["model_name"],
        "model_config": {"model_name": general["model_name"], **config},
    }
    write_json(
        place / "results" / model / f"results_{TIME}.json",
        {"config_general": about, "results": document["results"]},
    )
    kept = {
        "doc": ("query", "choices", "gold_index", "id", "task_name", "sampling_methods", "num_samples"),
        "model_response": ("input", "text", "logprobs"),
    }
    for details in sorted(made.rglob("details_*.parquet")):
        rows = [
            {**row, **{part: {name: row[part][name] for name in names} for part, names in kept.items()}}
            for row in parquet.read_table(details).to_pylist()
        ]
        name = quote(re.sub(r"_\d{4}-[\dT.-]+\.parquet$", f"_{TIME}.parquet", details.name))
        path = place / "details" / model / TIME / name
        path.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(Table.from_pylist(rows), path, compression="zstd", write_statistics=False)


# evalscope ----------------------------------------------------------------------------------------


def make_evalscope() -> None:
    """GSM8K as one subset and MATH-500 as two, two samples an item; a greedy one, and one with failures."""
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    from evalscope import TaskConfig, run_task

    place = fresh("evalscope")
    with tempfile.TemporaryDirectory() as name, server() as url:
        folder = Path(name)
        numbers = [*range(N_ITEMS)]
        card = (
            "---\nconfigs:\n- config_name: main\n  data_files:\n  - split: test\n    path: test.jsonl\n---\n"
        )
        lines = [{"question": question(item), "answer": f"#### {target(item)}"} for item in numbers]
        write_lines(folder / "gsm8k" / "test.jsonl", lines)
        (folder / "gsm8k" / "README.md").write_text(card, encoding="utf-8")
        lines = [
            {
                "problem": question(item), "answer": target(item), "solution": "", "unique_id": f"{item}",
                "level": 1 + (item % 4 == 1),
            }
            for item in numbers
        ]  # fmt: skip
        write_lines(folder / "math" / "test.jsonl", lines)
        levels = ["Level 1", "Level 2"]
        data = {
            "gsm8k": {"local_path": f"{folder}/gsm8k", "few_shot_num": 0},
            "math_500": {"local_path": f"{folder}/math", "subset_list": levels},
        }

        def evaluate(arm: str, time: str, model: str, datasets: list[str], repeats: int, **more) -> None:
            out = folder / "out"
            config = TaskConfig(
                model=model, api_url=url, api_key="none", eval_type="openai_api", datasets=datasets,
                dataset_args={name: data[name] for name in datasets}, repeats=repeats, eval_batch_size=1,
                work_dir=str(out), no_timestamp=True, **more,
            )  # fmt: skip
            run_task(config)
            keep_evalscope(out, place / arm / time)
            shutil.rmtree(out)

        sampled, greedy = {"temperature": 0.6, "retries": 0}, {"temperature": 0.0}
        for number, (arm, run) in enumerate(runs()):
            time = f"20260101_00000{number}"
            both = ["gsm8k", "math_500"]
            evaluate(arm, time, model_name(arm, run), both, 2, generation_config=sampled)
        evaluate("greedy", "20260101_000005", "base", ["gsm8k"], 1, generation_config=greedy)
        more = {"generation_config": sampled, "ignore_errors": True}
        evaluate("crash", "20260101_000006", "crash", ["gsm8k"], 2, **more)


def keep_evalscope(made: Path, place: Path) -> None:
    """Keep reviews, reports and settings of one evaluation."""
    import yaml

    for path in sorted((made / "reviews").rglob("*.jsonl")):
        rows = records_of(path)
        for row in rows:
            row["messages"] = [{name: turn[name] for name in ("role", "content")} for turn in row["messages"]]
        write_lines(place / path.relative_to(made), rows)
    for path in sorted((made / "reports").rglob("*.json")):
        report = json.loads(path.read_text(encoding="utf-8"))
        parts = (
            "schema_version",
            "name",
            "dataset_name",
            "model_name",
            "metrics",
            "execution_summary",
            "num",
        )
        for metric in report["metrics"]:
            del metric["semantics"]
        write_json(place / path.relative_to(made), {name: report[name] for name in parts})
    (path,) = (made / "configs").glob("*.yaml")
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = (
        "model",
        "datasets",
        "repeats",
        "limit",
        "generation_config",
        "evalscope_version",
        "ignore_errors",
    )
    text = yaml.safe_dump({name: settings[name] for name in parts})
    (place / "configs").mkdir(parents=True, exist_ok=True)
    (place / "configs" / path.name).write_text(text, encoding="utf-8")


# NeMo-Skills --------------------------------------------------------------------------------------


def make_nemo_skills() -> None:
    """Two seeds of each run, one greedy evaluation, and the summary of each."""
    place = fresh("nemo_skills")

    def call(module: str, *arguments: str) -> None:
        subprocess.run([sys.executable, "-m", f"nemo_skills.{module}", *arguments], check=True, cwd=folder)

    os.environ |= {"OPENAI_API_KEY": "none", "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as name, server(boxed=True) as url:
        folder = Path(name)
        lines = [
            {"problem": question(item), "expected_answer": target(item), "id": f"sum-{item}"}
            for item in range(N_ITEMS)
        ]
        write_lines(folder / "sums.jsonl", lines)

        def evaluate(out: str, model: str, temperature: float, seed: int) -> None:
            call(
                "inference.generate", "++input_file=sums.jsonl", f"++output_file={out}",
                "++prompt_config=generic/math", "++server.server_type=openai", f"++server.base_url={url}",
                f"++server.model={model}", f"++inference.temperature={temperature}",
                f"++inference.random_seed={seed}", "++inference.tokens_to_generate=64",
            )  # fmt: skip
            call("evaluation.evaluate_results", f"++input_files={out}", "++eval_type=math")

        for arm, run in runs():
            for seed in range(2):
                out = f"out/{arm}/run{run + 1}/eval-results/sums/output-rs{seed}.jsonl"
                evaluate(out, model_name(arm, run), 0.7, seed)
            call("pipeline.summarize_results", f"out/{arm}/run{run + 1}", "--metric-type", "math")
        evaluate("out/greedy/sums/output.jsonl", "base", 0.0, 0)
        call("pipeline.summarize_results", "out/greedy", "--metric-type", "math")
        dropped = ("generation_start_time", "generation_end_time", "generation_time", "serialized_output")
        for path in sorted((folder / "out").rglob("*.json*")):
            kept = place / path.relative_to(folder / "out")
            if path.suffix == ".jsonl":
                rows = records_of(path)
                write_lines(kept, [{n: v for n, v in row.items() if n not in dropped} for row in rows])
            elif path.suffix == ".json":
                results = json.loads(path.read_text(encoding="utf-8"))
                for part in results["sums"].values():
                    part["gen_seconds"] = 0
                write_json(kept, results)


# OpenCompass --------------------------------------------------------------------------------------

CONFIG = """
from opencompass.datasets import GSM8KDataset, Gsm8kEvaluator, gsm8k_dataset_postprocess, gsm8k_postprocess
from opencompass.openicl.icl_inferencer import GenInferencer
from opencompass.openicl.icl_prompt_template import PromptTemplate
from opencompass.openicl.icl_retriever import ZeroRetriever
from scripted import Scripted

prompt = dict(type=PromptTemplate, template=dict(round=[dict(role="HUMAN", prompt="{question}")]))
datasets = [dict(
    abbr="gsm8k", type=GSM8KDataset, path="FOLDER", n=SAMPLES, k=[SAMPLES],
    reader_cfg=dict(input_columns=["question"], output_column="answer"),
    infer_cfg=dict(
        prompt_template=prompt, retriever=dict(type=ZeroRetriever),
        inferencer=dict(type=GenInferencer, max_out_len=64),
    ),
    eval_cfg=dict(
        evaluator=dict(type=Gsm8kEvaluator), pred_role="BOT",
        pred_postprocessor=dict(type=gsm8k_postprocess),
        dataset_postprocessor=dict(type=gsm8k_dataset_postprocess),
    ),
)]
models = [dict(abbr="MODEL", type=Scripted, path="MODEL", batch_size=1, run_cfg=dict(num_gpus=0))]
"""

OPENCOMPASS_MODEL = f"""
import re, sys
from collections import Counter
sys.path.insert(0, {str(Path(__file__).parent)!r})
from make_tool_logs import answer, run_of
from opencompass.models.base import BaseModel
from opencompass.models.base_api import APITemplateParser

class Scripted(BaseModel):
    is_api = True

    def __init__(self, path, **ignored):
        super().__init__(path=path)
        self.template_parser, self.asked = APITemplateParser(None), Counter()

    def generate(self, inputs, max_out_len=64, **ignored):
        return [self.text(str(entry)) for entry in inputs]

    def text(self, prompt):
        item = int(re.findall(r"is (\\d+) \\+", prompt)[-1]) - 101
        self.asked[item] += 1
        return answer(*run_of(self.path), item, (self.asked[item] - 1) % 2)

    def get_token_len(self, prompt):
        return 5
"""


def make_opencompass() -> None:
    """GSM8K, two samples an item of each run, and one sample of the base model."""
    place = fresh("opencompass")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = [{"question": question(item), "answer": f"#### {target(item)}"} for item in range(N_ITEMS)]
        for split in ("train", "test"):
            write_lines(folder / "gsm8k" / f"{split}.jsonl", lines)
        (folder / "scripted.py").write_text(OPENCOMPASS_MODEL, encoding="utf-8")
        command = [str(Path(sys.executable).with_name("opencompass")), "config.py", "--debug", "-w", "out"]
        cases = [(arm, model_name(arm, run), 2) for arm, run in runs()] + [("once", "base", 1)]
        for number, (arm, model, n_samples) in enumerate(cases):
            config = CONFIG.replace("FOLDER", str(folder / "gsm8k")).replace("MODEL", model)
            (folder / "config.py").write_text(config.replace("SAMPLES", str(n_samples)), encoding="utf-8")
            environment = os.environ | {"PYTHONPATH": name}
            subprocess.run(command, check=True, cwd=folder, env=environment)
            for path in sorted((folder / "out").glob("*/*/*/gsm8k.json")):
                kind = path.parent.parent.name
                kept = place / arm / f"20260101_00000{number}" / kind / model / path.name
                write_json(kept, json.loads(path.read_text(encoding="utf-8")))
            shutil.rmtree(folder / "out")


# lmms-eval ----------------------------------------------------------------------------------------


def make_lmms_eval() -> None:
    """The task of `make_logs.py` with its two filters, and an evaluation with a failed request."""
    place = fresh("lmms_eval")
    with tempfile.TemporaryDirectory() as name, server() as url:
        folder = Path(name)
        lines = [{"question": question(item), "answer": target(item)} for item in range(N_ITEMS)]
        write_lines(folder / "sums.jsonl", lines)
        (folder / "tasks").mkdir()
        (folder / "tasks" / "sums.yaml").write_text(TASK.replace("FOLDER", name), encoding="utf-8")
        environment = os.environ | {
            "OPENAI_API_KEY": "none", "OPENAI_API_BASE": url, "OPENAI_BASE_URL": url,
            "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": f"{folder}/home",
        }  # fmt: skip
        for number, (arm, model) in enumerate(
            [(arm, model_name(arm, run)) for arm, run in runs()] + [("crash",) * 2]
        ):
            command = [
                str(Path(sys.executable).with_name("lmms-eval")), "--model", "openai", "--model_args",
                f"model_version={model},max_retries=1,num_concurrent=1", "--tasks", "sums", "--include_path",
                "tasks", "--output_path", "out", "--log_samples",
            ]  # fmt: skip
            subprocess.run(command, check=True, cwd=folder, env=environment)
            time = f"20260101_00000{number}"
            (samples,) = (folder / "out").rglob("*_samples_sums.jsonl")
            (results,) = (folder / "out").rglob("*_results.json")
            kept = place / arm / samples.parent.name
            write_lines(kept / f"{time}_samples_sums.jsonl", records_of(samples))
            document = json.loads(results.read_text(encoding="utf-8"))
            config = document["configs"]["sums"]
            config = {part: config[part] for part in ("task", "output_type", "generation_kwargs")}
            whole = {"results": document["results"], "configs": {"sums": config}}
            write_json(kept / f"{time}_results.json", whole)
            shutil.rmtree(folder / "out")


# verl ---------------------------------------------------------------------------------------------

FORMS = {"openai/gsm8k": "####", "math_dapo": "Answer:"}
"""The words before an answer in each validation set; its scorer refuses other forms."""


def make_verl() -> None:
    """Validation files by verl's own validation loop and rewards; DAPO's reward of a wrong answer is -1."""
    from concurrent.futures import ThreadPoolExecutor
    from types import SimpleNamespace

    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
    from verl.trainer.ppo.ray_trainer import RayPPOTrainer

    class Characters:
        """One token a character."""

        pad_token_id = eos_token_id = 0

        def __call__(self, texts: list[str]) -> torch.Tensor:
            rows = [torch.tensor([*map(ord, text)]) for text in texts]
            return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)

        def decode(self, ids: torch.Tensor, **ignored) -> str:
            return "".join(chr(i) for i in ids.tolist() if i)

    place, characters, pool = fresh("verl"), Characters(), ThreadPoolExecutor(1)
    manager = NaiveRewardManager(OmegaConf.create(), characters, None)

    def replies(batch: DataProto, source: str, arm: str, run: int) -> DataProto:
        items = batch.non_tensor_batch["index"]
        texts = [answer(arm, run, item, turn % 2) for turn, item in enumerate(items)]  # sample after sample
        responses = characters([text.replace("The answer is", FORMS[source]) for text in texts])
        prompts = characters([question(item) for item in items])
        mask = torch.cat([torch.ones_like(prompts), (responses > 0).long()], 1)
        told = {name: batch.non_tensor_batch[name] for name in ("data_source", "reward_model")}
        tensors = {"responses": responses, "attention_mask": mask}
        given = DataProto.from_dict(tensors=tensors, non_tensors=told)
        scored = [
            manager.loop.run_until_complete(manager.run_single(given[i : i + 1])) for i in range(len(texts))
        ]
        rewards = torch.zeros(responses.shape)
        rewards[:, -1] = torch.tensor([one["reward_score"] for one in scored])
        about = {
            key: np.array([one["reward_extra_info"][key] for one in scored], dtype=object)
            for key in scored[0]["reward_extra_info"]
        }
        return DataProto.from_dict(
            tensors={"responses": responses, "prompts": prompts, "rm_scores": rewards},
            non_tensors=about, meta_info={"reward_extra_keys": list(about)},
        )  # fmt: skip

    for source in FORMS:
        for arm, run in runs():
            items = np.arange(N_ITEMS)
            batch = {
                "dummy_tensor": torch.zeros(N_ITEMS, 1), "index": items.astype(object),
                "data_source": np.array([source] * N_ITEMS, dtype=object),
                "reward_model": np.array([{"ground_truth": target(item)} for item in items], dtype=object),
            }  # fmt: skip
            out = place / source.split("/")[-1] / arm / f"run{run + 1}"
            sampling = {"n": 2, "do_sample": True}
            settings = {
                "trainer": {"log_val_generations": 0, "validation_data_dir": str(out)},
                "actor_rollout_ref": {"rollout": {"val_kwargs": sampling, "agent": {"num_workers": 1}}},
            }
            trainer = RayPPOTrainer.__new__(RayPPOTrainer)
            trainer.__dict__ |= {
                "config": OmegaConf.create(settings), "tokenizer": characters, "val_dataloader": [batch],
                "global_steps": 0 if arm == "frozen" else 100, "use_rm": False,
                "_dump_executor": pool, "_dump_futures": [],
                "async_rollout_manager": SimpleNamespace(
                    generate_sequences=lambda given, of=(source, arm, run): replies(given, *of)
                ),
            }  # fmt: skip
            metrics = trainer._validate()
            print(source, arm, run + 1, {n: v for n, v in metrics.items() if n.startswith("val-core")})
    pool.shutdown()


if __name__ == "__main__":
    makers = {
        "lighteval": make_lighteval,
        "evalscope": make_evalscope,
        "nemo-skills": make_nemo_skills,
        "opencompass": make_opencompass,
        "lmms-eval": make_lmms_eval,
        "verl": make_verl,
    }
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    makers[sys.argv[1]]()
