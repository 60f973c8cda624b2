-- The shop: customers, products and orders of some days, made up, the same at each run.
-- Parameters: customers, per_day, start and end (dates, the end not included), bad (a day's wrong orders).
SELECT pg_advisory_xact_lock(hashtext('updraft.shop'));

{% include "sql/tables.sql" %}

INSERT INTO customers
SELECT
    n,
    'Customer ' || n,
    (ARRAY['AT', 'DE', 'FR', 'IT', 'PL'])[1 + n %% 5],
    timestamptz '2020-01-01 00:00:00+00' + n * interval '1 hour',
    jsonb_build_object('newsletter', n %% 3 = 0, 'language', 'd''e')
FROM generate_series(1, %(customers)s::integer) AS n
ON CONFLICT (id) DO NOTHING;

INSERT INTO products
SELECT n, 'Product ' || n, 5 + n * 0.25
FROM generate_series(1, 100) AS n
ON CONFLICT (id) DO NOTHING;

INSERT INTO orders
SELECT
    (day::date - date '2000-01-01') * 1000000::bigint + n,
    CASE WHEN n <= %(bad)s::integer AND n %% 2 = 0 THEN -n
         ELSE 1 + (n * 7919::bigint) %% %(customers)s::integer END,
    1 + n %% 100,
    CASE WHEN n <= %(bad)s::integer AND n %% 2 = 1 THEN 0 ELSE 1 + n %% 5 END,
    day + n * (interval '1 day' / (%(per_day)s::integer + 1))
FROM
    generate_series(
        %(start)s::date AT TIME ZONE 'UTC',
        (%(end)s::date - 1) AT TIME ZONE 'UTC',
        interval '1 day'
    ) AS day,
    generate_series(1, %(per_day)s::integer) AS n
ON CONFLICT (id) DO UPDATE SET
    customer_id = excluded.customer_id,
    product_id = excluded.product_id,
    quantity = excluded.quantity,
    placed_at = excluded.placed_at;
