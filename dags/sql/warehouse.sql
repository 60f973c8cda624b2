-- The warehouse's tables, where they are missing.
SELECT pg_advisory_xact_lock(hashtext('updraft.warehouse'));

{% include "sql/tables.sql" %}

CREATE INDEX IF NOT EXISTS orders_placed_at ON orders (placed_at);

CREATE SCHEMA IF NOT EXISTS quarantine;

CREATE SCHEMA IF NOT EXISTS mart;

CREATE TABLE IF NOT EXISTS mart.daily_sales (
    day date NOT NULL,
    country text NOT NULL,
    orders bigint NOT NULL,
    revenue numeric(14, 2) NOT NULL,
    PRIMARY KEY (day, country)
);

-- What became of each day, so that a night makes up for what an earlier one left.
CREATE TABLE IF NOT EXISTS mart.days (
    day date PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('published', 'held back', 'failed')),
    run_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS mart.report (
    day date PRIMARY KEY,
    orders bigint NOT NULL,
    revenue numeric(14, 2) NOT NULL,
    best_country text NOT NULL,
    change_to_day_before numeric(6, 3)
);
