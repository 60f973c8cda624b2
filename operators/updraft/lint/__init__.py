"""The linter for DAG files: what will hurt later, said now, with the reason and the way out.

`python -m updraft.lint dags` checks files and folders; `--help` lists the rules. A finding is
accepted by a comment on its line, or alone above it, and the reason is part of it:

    # lint: ignore[retries] the upload must not happen twice
"""
