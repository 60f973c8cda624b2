"""Updraft's package for Airflow: what the image adds to Airflow itself."""
