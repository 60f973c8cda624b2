"""Tests of links and of the commit that runs, in a real Airflow and a real browser."""
