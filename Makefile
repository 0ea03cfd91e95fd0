# Two commands do everything: `make run` and `make test`. The rest is in `make help`.

VENV := .venv
BIN := $(VENV)/bin
PYTHON := $(BIN)/python
CUSTOMERS ?= 400
MONTHS ?= 24
KILLS ?= 500
SIZE ?= S

# The stamp is named after the lock's hash, so a changed lock is installed, once.
STAMP := $(VENV)/.installed-$(shell sha256sum requirements.lock | cut -c 1-16)

# The cluster's programs, 500 MB, are for those who want a cluster.
SPARK_VENV := .venv-spark
SPARK_STAMP := $(SPARK_VENV)/.installed-$(shell sha256sum spark.lock | cut -c 1-16)

# Superset, a real BI client, cannot live with our libraries.
BI_VENV := .venv-bi
BI_STAMP := $(BI_VENV)/.installed-$(shell sha256sum superset.lock | cut -c 1-16)
# Another environment that has it spares the installation.
BI_READY := $(if $(HOLDFAST_SUPERSET_VENV),,$(BI_STAMP))
TARGET ?=

.DEFAULT_GOAL := help
.PHONY: help install run close reopen workbook dashboard diff explain docs screenshots metrics publish verify quarantine quarantine-ack accept erase \
	dev simulate test test-deep test-crash test-spark test-bi mutate audit bench lint lock clean \
	spark-install spark-up spark-status spark-down bi-install superset

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "HOLDFAST_HOME, HOLDFAST_LANDING, HOLDFAST_AS_OF, ... choose folders and date: see README."

install: $(STAMP) ## make .venv from requirements.lock (every target does it when needed)

$(STAMP):
	@sh .ci/install $(VENV) $@

run: $(STAMP) ## take in what has landed, build, audit, release; TARGET=spark; KNOWN_AT=2026-05-01T00:00Z looks back
	@$(if $(TARGET),HOLDFAST_TARGET="$$TARGET") $(if $(KNOWN_AT),HOLDFAST_KNOWN_AT="$$KNOWN_AT") $(PYTHON) -m orchestration.cli run --simulate-if-empty

close: $(STAMP) ## close the books of a month with a release: MONTH=2026-10
	@$(PYTHON) -m orchestration.cli close --month "$$MONTH"

workbook: $(STAMP) ## write the month-end workbook of the last release: MONTH=2026-10
	@$(PYTHON) -m orchestration.cli workbook --month "$$MONTH"

dashboard: $(STAMP) ## open the pages of the last release; without a display, say where they are
	@$(PYTHON) -m orchestration.cli dashboard

diff: $(STAMP) ## what is different between two releases, and why: FROM=12 TO=13 [JSON=1]
	@$(PYTHON) -m orchestration.cli diff --from "$$FROM" --to "$$TO" $(if $(JSON),--json)

reopen: $(STAMP) ## take a close out of force: MONTH=2026-10 REASON="..."
	@$(PYTHON) -m orchestration.cli reopen --month "$$MONTH" --reason "$$REASON"

explain: $(STAMP) ## walk from a figure to raw rows: METRIC=closing_mrr MONTH=2026-10 [CUSTOMER=... POLICY=... ALL=1 JSON=1]
	@$(PYTHON) -m orchestration.cli explain --metric "$$METRIC" --month "$$MONTH" \
		$(if $(CUSTOMER),--customer "$$CUSTOMER") $(if $(POLICY),--policy "$$POLICY") \
		$(if $(ALL),--all) $(if $(JSON),--json)

docs: $(STAMP) ## build the site of the documents: guides, marts, metrics, policies, rules
	@$(PYTHON) -m documents

screenshots: $(STAMP) ## take the pictures of the README, of the current release
	@$(PYTHON) -m documents.screenshots

metrics: $(STAMP) ## ask the semantic layer: METRICS=mrr,arr BY=metric_time__month [WHERE=...], or SAVED=mrr_by_month
	@$(PYTHON) -m orchestration.cli metrics $(if $(METRICS),--metrics "$$METRICS") \
		$(if $(BY),--by "$$BY") $(if $(WHERE),--where "$$WHERE") $(if $(SAVED),--saved "$$SAVED")

publish: $(STAMP) ## let the targets catch up with the last release: notices, workbook, Postgres
	@$(PYTHON) -m orchestration.cli publish

verify: $(STAMP) ## is everything in the home folder what it was when it was committed?
	@$(PYTHON) -m orchestration.cli verify

quarantine: $(STAMP) ## list the rows that the gate set aside
	@$(PYTHON) -m orchestration.cli quarantine

quarantine-ack: $(STAMP) ## let rows be: FILE=... [ROW=...] [RULE=...] REASON='...' [WHO=...]
	@$(PYTHON) -m orchestration.cli quarantine-ack --file "$$FILE" --reason "$$REASON" \
		$(if $(ROW),--row "$$ROW") $(if $(RULE),--rule "$$RULE") $(if $(WHO),--who "$$WHO")

accept: $(STAMP) ## accept what a run was held for: RUN=... REASON='...' [WHO=...]
	@$(PYTHON) -m orchestration.cli accept --run "$$RUN" --reason "$$REASON" \
		$(if $(WHO),--who "$$WHO")

erase: $(STAMP) ## erase a customer's personal data everywhere: CUSTOMER=... REASON='...' [WHO=...]
	@$(PYTHON) -m orchestration.cli erase --customer "$$CUSTOMER" --reason "$$REASON" \
		$(if $(WHO),--who "$$WHO")

dev: $(STAMP) ## start the Dagster UI on 127.0.0.1:3000
	@$(PYTHON) -m orchestration.cli dev

simulate: $(STAMP) ## land a simulated company: CUSTOMERS=400 MONTHS=24
	@$(PYTHON) -m orchestration.cli simulate --customers $(CUSTOMERS) --months $(MONTHS)

test: lint ## lint and all tests but the slow ones
	@$(PYTHON) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not deep and not spark and not bi"

test-deep: lint ## the slow tests too
	@$(PYTHON) -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not spark and not bi"

spark-install: $(SPARK_STAMP)

$(SPARK_STAMP):
	@sh .ci/install $(SPARK_VENV) $@ spark.lock

spark-up: $(STAMP) $(SPARK_STAMP) ## start a Spark cluster on this machine: two workers, Thrift server
	@$(PYTHON) -m orchestration.spark up

spark-status: $(STAMP) ## workers, addresses and tasks of the cluster
	@$(PYTHON) -m orchestration.spark status

spark-down: $(STAMP) ## stop the cluster
	@$(PYTHON) -m orchestration.spark down

test-spark: $(STAMP) $(SPARK_STAMP) ## the whole refresh on a real cluster, and every mart equal to DuckDB's
	@$(PYTHON) -m pytest -q -m spark tests/engines

bi-install: $(BI_STAMP)

$(BI_STAMP):
	@sh .ci/install $(BI_VENV) $@ superset.lock

superset: $(STAMP) $(BI_READY) ## open a Superset with our dashboard: SUPERSET_DATABASE=postgresql://anna:...@host/bi
	@$(PYTHON) -m bi.client

test-bi: $(STAMP) $(BI_READY) ## import the dashboard into a clean Superset; its charts equal the marts
	@$(PYTHON) -m pytest -q -m bi tests/bi

mutate: $(STAMP) ## change the revenue models' SQL a hundred ways; every change must be caught
	@$(PYTHON) -m tests.mutation

bench: $(STAMP) ## measure a simulated company, everything against floors of the same run: SIZE=S|M|L; into docs/benchmarks.md
	@$(PYTHON) -m benchmarks --size $(SIZE) --page docs/benchmarks.md

test-crash: $(STAMP) ## kill real runs at any place and moment: KILLS=500 [SEED=...]
	@$(PYTHON) -m tests.faults.crash_many --kills $(KILLS) $(if $(SEED),--seed $(SEED))

audit: $(STAMP) ## code, secrets, local rules, bill of materials, known holes of the dependencies
	@.ci/audit $(VENV)

lint: $(STAMP) ## ruff, mypy, sqlfluff
	@echo "lint: ruff"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@echo "lint: mypy"
	@$(BIN)/mypy --no-error-summary
	@echo "lint: sqlfluff"
	@$(BIN)/sqlfluff lint --nocolor --disable-progress-bar --processes 0 dbt_project

lock: $(STAMP) ## pin the dependencies of pyproject.toml, with hashes, in requirements.lock
	@command -v uv >/dev/null || $(BIN)/pip install --quiet uv
	@PATH="$(BIN):$$PATH" uv pip compile --quiet --generate-hashes --no-emit-index-url \
		--no-emit-find-links --python-version 3.11 --extra dev pyproject.toml \
		--output-file requirements.lock
	@echo pyspark==4.3.0 | PATH="$(BIN):$$PATH" uv pip compile --quiet --generate-hashes --no-header \
		--no-emit-index-url --no-emit-find-links --no-annotate --python-version 3.11 - \
		--output-file spark.lock
	@printf '%s\n' 'apache-superset[postgres]==6.1.0' rich cachetools | PATH="$(BIN):$$PATH" uv pip compile --quiet \
		--exclude-newer 2026-05-20 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		--no-annotate --python-version 3.11 - --output-file superset.lock

clean: ## remove .venv, caches and dbt's files; the home folder (data/) stays
	rm -rf $(VENV) $(SPARK_VENV) $(BI_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
