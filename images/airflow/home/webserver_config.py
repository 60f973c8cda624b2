"""Flask-AppBuilder's defaults for Airflow: users in the database, forms guarded against forgery."""

from flask_appbuilder.const import AUTH_DB

AUTH_TYPE = AUTH_DB
WTF_CSRF_ENABLED = True
WTF_CSRF_TIME_LIMIT = None
