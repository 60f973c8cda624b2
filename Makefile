# Each target is one line: people and CI call the same commands, and the work is in infra/cli.
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
VARIABLES := CONTEXT REGISTRY AIRFLOW_CHART ENGINE UI_PORT INSTANCE STACK SET ARGS DAG CONF LOGICAL_DATE DAYS FORMAT LOG FILES TAKE YES PURGE SECRETS RESET MIRROR GROUP RECORD
# As they were typed: make would expand a $ in them, and run what stands in $(shell …).
$(foreach each,$(VARIABLES),$(if $(filter undefined,$(origin $(each))),,$(eval override $(each) := $$(value $(each)))))
export $(VARIABLES)

# The first word says which locked packages the command needs: none, infra (operate) or dev (test).
CLI := @$(PYTHON) infra/cli/bootstrap.py

.PHONY: help venv doctor up status logs ui kubectl env trigger rightsize push-dags examples dev adopt render image stop down test test-slow test-fast lint licences lint-dags fmt

help: ## List the targets and the variables that they take
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@awk '/^#=/{sub(/^#= ?/, "  "); print}' $(MAKEFILE_LIST)

venv: ## Make .venv with the locked packages that Pulumi runs the program with
	$(CLI) infra -c "import sys; print(sys.prefix)"
doctor: ## Show what this machine has, what is required and how to mend it; touches nothing
	$(CLI) none -m infra.cli doctor
up: ## From a bare machine (or CONTEXT=) to a DAG fanned out as pods, again and again
	$(CLI) infra -m infra.cli up
status: ## Show cluster, platform, DAGs and the last runs
	$(CLI) infra -m infra.cli status
logs: ## Print the logs of a DAG's newest run, from Loki where pods have gone, or of a component by LOG=scheduler, triggerer, loki, …
	$(CLI) infra -m infra.cli logs
ui: ## Say where the UI is and who logs in; the password too with SECRETS=1
	$(CLI) infra -m infra.cli ui
kubectl: ## Run kubectl on the platform's cluster (ARGS="get pods -A"), whatever the current context is
	$(CLI) infra -m infra.cli kubectl
env: ## Print KUBECONFIG and PATH for kubectl, promtool and amtool in this shell: eval "$(make env)"
	$(CLI) infra -m infra.cli env
trigger: ## Run a DAG (DAG=name, CONF='{"items": 30}', LOGICAL_DATE=2026-01-31) and watch its pods; a paused DAG is unpaused
	$(CLI) infra -m infra.cli trigger
rightsize: ## Say what each task (or DAG=name's) should ask for, by what its tries took
	$(CLI) infra -m infra.cli rightsize
push-dags: ## Push dags/ to the git server in the cluster; MIRROR=1 removes there what others pushed, after asking
	$(CLI) infra -m infra.cli push-dags
examples: ## Make the databases and connections that the example DAGs work on
	$(CLI) infra -m infra.cli examples
dev: ## Run Airflow on this machine with dags/ and a PostgreSQL, no cluster; RESET=1 empties its databases
	$(CLI) dev -m infra.cli dev
adopt: ## List what of others is where the platform's objects are to be; take over what TAKE= names; with Pulumi import the rest
	$(CLI) infra -m infra.cli adopt
render: ## Write the platform as plain manifests to rendered/<STACK>; secrets redacted but for SECRETS=1
	$(CLI) infra -m infra.cli render
image: ## Build the Airflow image; push it with REGISTRY=
	$(CLI) infra -m infra.cli image
stop: ## Stop the embedded cluster, keep its data; say how many tasks that ends
	$(CLI) infra -m infra.cli stop
down: ## Delete cluster and data, make dev's too, after asking (YES=1 does not ask); the caches too with PURGE=1
	$(CLI) infra -m infra.cli down
test: ## Run every check but the slow ones, the cluster tests on a cluster of their own included
	$(CLI) dev -m infra.cli test
test-slow: ## Run the tests that take many minutes, which make test leaves out: all, or GROUP=name's
	$(CLI) dev -m infra.cli test-slow
test-fast: ## Run those of make test that need no cluster
	$(CLI) dev -m infra.cli test --fast
lint: ## Check style and types
	$(CLI) dev -m infra.cli lint
licences: ## Write docs/reference/licences.md: the licence of each package that goes into an image
	$(CLI) dev -m infra.cli licences
lint-dags: ## Check dags/, or FILES=…, for what will hurt later; it says why and how to mend it
	$(CLI) dev -m infra.cli lint-dags -- $$FILES
fmt: ## Format the code
	$(CLI) dev -m infra.cli fmt

#=
#= CONTEXT=name        use this cluster of your kubeconfig instead of the embedded one
#= REGISTRY=host/path  push images there (a CONTEXT cluster pulls them from it)
#= AIRFLOW_CHART=path  the official chart, a folder or a .tgz
#= ENGINE=embedded|pulumi   what deploys; by default Pulumi where its CLI and provider are on PATH
#= STACK=local         the settings: Pulumi.<STACK>.yaml      SET="area.key=value …"  on top of them, kept; SET=none
#= INSTANCE=name       several platforms on one machine       UI_PORT=8080  the UI's port on this machine
#= DAYS=7 FORMAT=json  how far make rightsize looks back, and what it prints
#= ARGS="get pods -A"   of make kubectl, quoted as for a shell
#= DAG=dynamic_tasks   CONF='{…}'  what to run;  LOGICAL_DATE=  of its run: an ISO date, none; else now
#= TAKE="Kind/namespace/name …"  what make adopt takes over, by the names that it lists
#= YES=1 PURGE=1 SECRETS=1 RESET=1 MIRROR=1  see the targets
#= GROUP=faults        which slow tests: faults, servers, logs, wide, node, settings      RECORD=1  keep in tests/slow.toml that they passed
