-- The warehouse's tables, where they are missing.
SELECT pg_advisory_xact_lock(hashtext('updraft.warehouse'));

CREATE TABLE IF NOT EXISTS customers (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    country text NOT NULL,
    joined_at timestamptz NOT NULL,
    attributes jsonb NOT NULL
);

CREATE TABLE IF NOT EXISTS products (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL
);

CREATE TABLE IF NOT EXISTS orders (
    id bigint PRIMARY KEY,
    customer_id bigint,
    product_id bigint,
    quantity integer,
    placed_at timestamptz NOT NULL
);

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
