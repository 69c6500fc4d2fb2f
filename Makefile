# Two commands on a fresh machine: `make report` and `make test`; each builds .venv when it is not there.
PYTHON ?= python3
RUN := OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 .venv/bin/

.PHONY: venv report test check bench

venv: .venv/ready

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=...")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --constraint constraints.txt --editable ".[dev]"
	# Beside the environment, not in it: torchvision's published wheels break transformers where torch has no CUDA (train/align/__init__.py).
	.venv/bin/pip install --quiet --constraint constraints.txt --no-deps --target .venv/align open_clip_torch timm torchvision ftfy wcwidth
	touch .venv/ready

report: venv
	@mkdir -p build
	$(RUN)gem simulate stemi_inferior -o build/example --overwrite
	$(RUN)gem report build/example.hea

test: venv
	$(RUN)pytest -n 2

check: venv
	$(RUN)ruff format --check .
	$(RUN)ruff check .
	$(RUN)mypy

bench: venv
	$(RUN)python -m eval.bench
	$(RUN)python -m eval.bench_harness
	$(RUN)python -m data_gen.bench
	$(RUN)python -m eval.bench_model
	$(RUN)python -m train.bench
