-- The shop's tables under their plain names; a run renames them to its own.
CREATE TABLE products (
	sku         text PRIMARY KEY,
	category    text NOT NULL,
	name        text NOT NULL,
	price       integer NOT NULL,
	description text NOT NULL
);
INSERT INTO products
SELECT 'sku-' || lpad(i::text, 6, '0'), 'cat-' || lpad((i % 20000)::text, 5, '0'), 'Product ' || i, 100 + i % 9900,
	repeat(md5(i::text), 6)
FROM generate_series(1, 300000) AS i;
CREATE INDEX products_category ON products (category);
CREATE TABLE stock (sku text PRIMARY KEY, quantity integer NOT NULL);
INSERT INTO stock SELECT sku, price % 40 FROM products;
CREATE TABLE orders (
	id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	buyer  text NOT NULL,
	items  integer NOT NULL,
	amount integer NOT NULL,
	placed timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE charges (
	id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	buyer   text NOT NULL,
	amount  integer NOT NULL,
	receipt text NOT NULL,
	made    timestamptz NOT NULL DEFAULT now()
);
