"""What authors test with: a real PostgreSQL, an operator with a real context, a whole DAG's run.

Install it by `pip install "updraft[testing]"`; pytest then finds its fixtures by itself:
`postgres`, `postgres_database`, `make_postgres_database`, `run_operator` and `run_dag`.
"""
