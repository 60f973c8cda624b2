-- What the shop and the warehouse both have.
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

-- No constraints beyond the key: what an application writes here, nobody promises.
CREATE TABLE IF NOT EXISTS orders (
    id bigint PRIMARY KEY,
    customer_id bigint,
    product_id bigint,
    quantity integer,
    placed_at timestamptz NOT NULL
);
