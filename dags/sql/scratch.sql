-- A schema for this run alone, with empty tables like the warehouse's.
{% set scratch = ti.xcom_pull("plan")["scratch"] %}
DROP SCHEMA IF EXISTS {{ scratch }} CASCADE;
CREATE SCHEMA {{ scratch }};
CREATE TABLE {{ scratch }}.customers (LIKE customers INCLUDING ALL);
CREATE TABLE {{ scratch }}.products (LIKE products INCLUDING ALL);
CREATE TABLE {{ scratch }}.orders (LIKE orders INCLUDING ALL);
