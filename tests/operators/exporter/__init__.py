"""The exporter on a real PostgreSQL with the tables of Airflow."""
