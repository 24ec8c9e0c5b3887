#!/usr/bin/env bash
# Guess: of two values logged for one metric in one run, the run shows the last one.
# What happens: with one step and one time stamp, as in one batch, or in a loop that logs twice within a millisecond
# without a step, the run shows the larger value, in whichever order they came. The database store also keeps only one
# of two equal values, so its history has fewer points than the file store's.
# Where: mlflow 3.17.2, file store and database store alike.
# For a comparison of arms: an accuracy that was logged by question or by benchmark under one name shows its maximum, so
# the arm with the larger spread looks better. Give every value its own step or name, and read the history.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check mlflow-skinny==3.17.2 sqlalchemy==2.1.9 alembic==1.20.1
cat > "$work/check.py" <<'EOF'
import logging, os
os.environ["MLFLOW_ALLOW_FILE_STORE"], os.environ["GIT_PYTHON_REFRESH"] = "true", "quiet"
logging.disable(50)
from importlib.metadata import version
from mlflow.entities import Metric
from mlflow.tracking import MlflowClient

print("mlflow-skinny", version("mlflow-skinny"))
time = 1_700_000_000_000
for store in ("sqlite:///runs.db", "file:./runs"):
    client = MlflowClient(store)
    run = client.create_run(client.create_experiment("arms")).info.run_id
    for name, values in (("falling", (0.9, 0.2)), ("rising", (0.2, 0.9)), ("equal", (0.5, 0.5))):
        client.log_batch(run, metrics=[Metric(name, values[0], time, 0)])
        client.log_batch(run, metrics=[Metric(name, values[1], time, 0)])
        shown, history = client.get_run(run).data.metrics[name], client.get_metric_history(run, name)
        print(f"{store:18} {name:8} logged {values} shown {shown} points in the history {len(history)}")
        assert shown == max(values) and len(history) == (1 if name == "equal" and "sqlite" in store else 2)
EOF
cd "$work"
"$work/venv/bin/python" -W ignore check.py
