-- Everything of the night becomes visible in one transaction, or nothing.
-- Parameters: those of days.sql.
{% set scratch = ti.xcom_pull("plan")["scratch"] %}
INSERT INTO customers SELECT * FROM {{ scratch }}.customers
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name, country = excluded.country,
    joined_at = excluded.joined_at, attributes = excluded.attributes;

INSERT INTO products SELECT * FROM {{ scratch }}.products
ON CONFLICT (id) DO UPDATE SET name = excluded.name, price = excluded.price;

DELETE FROM orders
WHERE placed_at >= %(start)s::date AT TIME ZONE 'UTC'
  AND placed_at < %(end)s::date AT TIME ZONE 'UTC';

INSERT INTO orders SELECT * FROM {{ scratch }}.orders;

DELETE FROM mart.daily_sales WHERE day >= %(start)s::date AND day < %(end)s::date;

INSERT INTO mart.daily_sales
SELECT
    (placed_at AT TIME ZONE 'UTC')::date, country, count(*), sum(quantity * price)
FROM {{ scratch }}.orders
JOIN {{ scratch }}.customers ON customers.id = customer_id
JOIN {{ scratch }}.products ON products.id = product_id
GROUP BY 1, 2;

{% include "sql/days.sql" %};
