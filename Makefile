# Every target brings in by itself what the machine lacks, asks nothing, and is quick the second time.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo test bench long precommit docs

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1 /p' $(MAKEFILE_LIST) | while read -r name text; do printf '  make %-10s %s\n' "$$name" "$$text"; done

setup: ## brings in Elixir and Erlang, or says what to install and how
	@scripts/setup

demo: setup ## three nodes, a request that fails on one of them, and its timeline
	@scripts/env scripts/demo

test: setup ## every test, of the Rust crates and of the library
	@scripts/env scripts/test

bench: setup ## what an event costs, beside its peers in the same run
	@scripts/env scripts/bench

long: setup ## soaks, many seeds, fuzzing: an hour and more
	@scripts/env scripts/long

precommit: setup ## formatters, linters and tests: what must pass before a commit
	@scripts/env mix precommit

docs: setup ## HTML pages in doc/, where ex_doc is at hand
	@scripts/env scripts/docs
