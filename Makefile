# `make help` lists what there is. The README's two commands need none of it.
.PHONY: help demo test lint ci update bench

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## play one application from evidence to the register
	go run ./cmd/kutse-dev demo

test: ## everything, with real PostgreSQL, NATS and Temporal
	go test ./...

lint: ## the linters of .golangci.yml
	go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run ./...

ci: ## all that a change must pass
	.ci/run

update: ## golden files and the AsyncAPI document, from the code
	go generate ./...
	go test ./events ./schema/catalogue ./schema/migrations ./cmd/internal/cli -update

bench: ## many applications side by side, with the floors of this machine
	go run ./cmd/kutse-dev bench --applications 100 --clients 8
