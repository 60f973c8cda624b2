"""The commands behind `make`: each target is `python -m infra.cli <command>`."""
