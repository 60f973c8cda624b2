-- A line for each published day.
INSERT INTO mart.report
SELECT
    day,
    sum(orders),
    sum(revenue),
    (array_agg(country ORDER BY revenue DESC, country))[1],
    sum(revenue) / nullif(lag(sum(revenue)) OVER (ORDER BY day), 0) - 1
FROM mart.daily_sales
GROUP BY day
ON CONFLICT (day) DO UPDATE SET
    orders = excluded.orders,
    revenue = excluded.revenue,
    best_country = excluded.best_country,
    change_to_day_before = excluded.change_to_day_before
