# Midwatch. `make help` lists the targets.

# clang 14 makes the committed BPF objects: another version gives other bytes (bpf/).
TOOLS        := .cache/tools
GOLANGCI     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
WORKFLOWCHECK := go.temporal.io/sdk/contrib/tools/workflowcheck@v0.6.0
HELM         := helm.sh/helm/v3/cmd/helm@v3.22.0
PROGRESS     := deploy/progress.sh
GOFILES       = $(shell git ls-files '*.go' go.mod go.sum)
WEBFILES      = $(shell git ls-files api/web ':!api/web/dist')

.PHONY: help
help: ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## Install what is missing: Debian packages, the ClickHouse library
	@deploy/deps.sh

.PHONY: build
build: bin/web.stamp ## Build everything into bin/
	@$(PROGRESS) "building midwatch" go build -ldflags "-s -w" -o bin/midwatch ./cmd/midwatch
	@$(PROGRESS) "building midwatch-analyst" env CGO_ENABLED=0 go build -ldflags "-s -w" -o bin/midwatch-analyst ./cmd/midwatch-analyst
	@$(PROGRESS) "building midwatch-temporal" go -C deploy/temporal build -ldflags "-s -w" -o ../../bin/midwatch-temporal ./cmd/midwatch-temporal
	@$(PROGRESS) "building midwatch-postgres" env CGO_ENABLED=0 go build -ldflags "-s -w" -o bin/midwatch-postgres ./cmd/midwatch-postgres
	@$(PROGRESS) "building the demo shop" go build -o bin/shop ./deploy/shop/cmd/shop

.PHONY: build-gvisor
build-gvisor: ## Build gVisor's runsc into bin/ (1.5 minutes the first time, then go's cache has it)
	@$(PROGRESS) "building gVisor" env CGO_ENABLED=0 go -C deploy/gvisor build -ldflags "-s -w" -o ../../bin/runsc gvisor.dev/gvisor/runsc

.PHONY: images
images: deps build ## Container images as archives in bin/images, from this machine's files (deploy/images/images.yaml)
	@go run ./deploy/images -tag $(or $(TAG),dev)

bin/web.stamp: $(WEBFILES)
	@$(PROGRESS) "installing the web UI's packages" npm ci --prefix api/web --no-fund --no-audit
	@$(PROGRESS) "building the web UI" npm run --prefix api/web build
	@mkdir -p bin && touch $@

.PHONY: demo
demo: deps build ## Break a shop and watch Midwatch find out why (FAULT=name, YES=1, AI=scripted or a file)
	@bin/midwatch demo run $(if $(FAULT),--fault $(FAULT)) $(if $(YES),--yes) $(if $(AI),--ai $(AI))

.PHONY: up
up: deps build ## Start Midwatch on this machine
	@bin/midwatch up

.PHONY: deps-test
deps-test:
	@deploy/deps.sh test

.PHONY: test
test: deps-test build lint verify licences test-go test-web test-demo test-chaos test-cluster ## Everything CI runs: the real store, kernel, Temporal, browser, shop and cluster

.PHONY: test-go
test-go: deps-test build build-gvisor $(TOOLS)/helm ## Go tests with the race detector; none of gVisor's may be skipped
	MIDWATCH_GVISOR=1 go test -race -timeout 20m ./...
	cd deploy/temporal && go test ./...

.PHONY: test-gvisor
test-gvisor: build-gvisor ## The gVisor engine's part of test-go alone
	MIDWATCH_GVISOR=1 go test -count=1 -timeout 20m ./sandbox/gvisor

.PHONY: test-web
test-web: bin/web.stamp ## The web UI's types, format, unit tests
	npm run --prefix api/web check

.PHONY: test-demo
test-demo: build ## The whole story with three faults, and a browser that approves a fix
	MIDWATCH_DEMO=1 go test -count=1 -v -timeout 20m ./deploy/demo/...

.PHONY: test-chaos
test-chaos: build ## Six kills in six phases of an investigation; `make chaos` is all of it
	MIDWATCH_CHAOS=1 go test -count=1 -v -timeout 15m ./bench/chaos

.PHONY: kill-store
kill-store: deps ## Kill the store 30 times in the middle of inserts: no acknowledged row is lost (KILLS=100, SEED=n; test-go has three kills)
	MIDWATCH_KILLS=$(or $(KILLS),30) MIDWATCH_SEED=$(SEED) go test -count=1 -v -run '^TestKillLosesNoAcknowledgedRow$$' -timeout 60m ./deploy/clickhouse

.PHONY: kube
kube: ## Build the test cluster's programs into .cache/kube (6 minutes the first time)
	@deploy/cluster/build.sh

bin/cluster: $(shell git ls-files 'deploy/testcluster/*')
	@$(PROGRESS) "building the cluster's launcher" go build -o $@ ./deploy/testcluster/cmd/cluster

.PHONY: deps-cluster
deps-cluster:
	@deploy/deps.sh cluster

.PHONY: cluster-up
cluster-up: deps-cluster kube bin/cluster ## Start a real Kubernetes cluster of one node in the background (IMAGES="a.tar b.tar"), as root
	@bin/cluster up $(IMAGES)

.PHONY: cluster-down
cluster-down: bin/cluster ## End it; nothing of it stays but its logs
	@bin/cluster down

.PHONY: kubectl
kubectl: bin/cluster ## kubectl for that cluster (ARGS="get pods -A")
	@bin/cluster kubectl $(ARGS)

.PHONY: sample
sample: bin/cluster ## A small application in that cluster, to watch and to break: namespace shop (docs/testcluster.md)
	@$(PROGRESS) "building the sample" env CGO_ENABLED=0 go build -ldflags "-s -w" -o bin/sample ./deploy/sample/cmd/sample
	@go run ./deploy/sample/cmd/sample-image bin/sample bin/sample.tar
	@bin/cluster exec ctr --namespace k8s.io images import $(CURDIR)/bin/sample.tar >/dev/null
	@sed 's/NAMESPACE/shop/' deploy/sample/manifests.yaml | bin/cluster kubectl apply -f -

.PHONY: test-cluster
test-cluster: deps-test kube build build-gvisor images $(TOOLS)/helm ## Tests on real clusters
	MIDWATCH_CLUSTER=1 go test -count=1 -v -p 1 -timeout 20m ./deploy/testcluster/... ./deploy/helm ./activities/remedy ./collector/kube/... ./collector/exporter ./deploy/sample

.PHONY: night
night: deps-test kube build ## Eight faults in an application on a real cluster; each must have one report that names workload and change (4 minutes; test-cluster has it, too)
	MIDWATCH_CLUSTER=1 go test -count=1 -v -run '^TestNight$$' -timeout 20m ./deploy/sample

.PHONY: chaos
chaos: deps build ## Kill parts at 40 drawn moments of investigations; each must end as if nothing had happened (CHAOS_ARGS="-seed 2")
	@go run ./bench/chaos $(CHAOS_ARGS)

.PHONY: licences
licences: ## Fail when a dependency's licence is not one we allow
	go run ./deploy/licences

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/workflowcheck ## golangci-lint (gofumpt, import direction) and workflowcheck
	$(TOOLS)/golangci-lint run ./...
	$(TOOLS)/workflowcheck ./workflows/... ./workers/...
	$(TOOLS)/golangci-lint fmt --diff deploy/temporal deploy/cluster bench/peer ingest/foreign # the other linters would load all of Temporal's server, of Kubernetes and of the Collector
	go -C deploy/temporal vet ./...

$(TOOLS)/golangci-lint:
	@GOBIN=$(CURDIR)/$(TOOLS) $(PROGRESS) "building golangci-lint" go install $(GOLANGCI)
$(TOOLS)/helm:
	@GOBIN=$(CURDIR)/$(TOOLS) $(PROGRESS) "building Helm" go install $(HELM)
$(TOOLS)/workflowcheck:
	@GOBIN=$(CURDIR)/$(TOOLS) $(PROGRESS) "building workflowcheck" go install $(WORKFLOWCHECK)

.PHONY: bpf-check
bpf-check: ## Load every kernel program, and print how many instructions each has and the kernel went through to prove it safe; as root
	go test -count=1 -v -run TestPrograms ./collector/probe

.PHONY: generate
generate: ## Rebuild generated files (BPF objects, which need clang-14 and libbpf-dev; the Dockerfile)
	go generate ./bpf/...
	go run ./deploy/images -dockerfile deploy/images/Dockerfile

.PHONY: verify
verify: generate ## Fail when a generated file is stale
	git diff --exit-code -- bpf deploy/images
	@large=$$(git ls-files -z | xargs -0 stat -c '%s %n' | awk '$$1 > 1048576'); \
		[ -z "$$large" ] || { echo "files over 1 MB are not committed:"; echo "$$large"; exit 1; }

.PHONY: bench-demo
bench-demo: deps build ## Seven faults, five runs each, renamed every time; red herrings; healthy time
	@go run ./bench/demo $(BENCH_ARGS)

.PHONY: eval-cases
eval-cases: deps ## Make the cases of `midwatch eval` anew, from the demo's recordings (ONLY=part of a name)
	go test ./eval -run TestGenerate -count=1 -timeout 60m -v -generate $(if $(ONLY),-only $(ONLY))

.PHONY: bench-investigation
bench-investigation: build build-gvisor ## What the machinery of investigations costs beside models: turns, memory, storms, sandboxes
	@go run ./bench/investigation $(BENCH_ARGS)

.PHONY: bench-kube
bench-kube: deps build ## What watching 1,000 nodes and 30,000 pods costs the exporter, and how soon a change is visible (BENCH_ARGS="-for 5m")
	@go run ./bench/kube $(BENCH_ARGS)

.PHONY: bench-ingest
bench-ingest: deps build bench-peer ## Midwatch's ingester against the OpenTelemetry Collector, into the same store (BENCH_ARGS="-rows 1000000")
	@go run ./bench/ingest $(BENCH_ARGS)

.PHONY: bench-ingest-overload bench-ingest-endurance
bench-ingest-overload: deps build ## Twice what the ingester can store, for ten minutes: its memory, and that nothing is lost (BENCH_ARGS="-for 1m")
	@go run ./bench/ingest overload $(BENCH_ARGS)
bench-ingest-endurance: deps build ## Ten minutes in which ingester and store are killed: what was sent is stored, exactly (BENCH_ARGS="-for 3m")
	@go run ./bench/ingest endurance $(BENCH_ARGS)

.PHONY: bench-query
bench-query: deps build bench-peer ## Everyday questions of Midwatch's tables and of the ClickHouse exporter's, in turns (BENCH_ARGS="-rows 1000000")
	@go run ./bench/query $(BENCH_ARGS)

.PHONY: bench-schema
bench-schema: deps build ## What variants of the tables of logs and spans cost, beside the ClickHouse exporter's (docs/schema.md; BENCH_ARGS="-only logs-alone")
	@go run ./bench/schema -peer "$$(go -C bench/peer list -m -f '{{.Dir}}' github.com/open-telemetry/opentelemetry-collector-contrib/exporter/clickhouseexporter)/internal/sqltemplates" $(BENCH_ARGS)

.PHONY: bench-peer
bench-peer: ## Build the collector that bench-ingest and bench-query compare with (2 minutes the first time)
	@$(PROGRESS) "building the collector" env CGO_ENABLED=0 go -C bench/peer build -ldflags "-s -w" -o ../../bin/otelcol-peer .

.PHONY: clean
clean: ## Remove what was built (not .cache)
	rm -rf bin api/web/dist
