-- DDL as people do it, what it says, how the catalogues and psql show it, dependencies, privileges.
CREATE SCHEMA shop;
CREATE SCHEMA shop;
CREATE SCHEMA IF NOT EXISTS shop;
SET search_path = shop, public;
CREATE TABLE customer (id bigserial PRIMARY KEY, email text NOT NULL UNIQUE, born date, CHECK (born > '1900-01-01'));
CREATE TABLE customer (id int);
CREATE TABLE IF NOT EXISTS customer (id int);
CREATE TABLE sale (id int, customer bigint REFERENCES customer, at timestamptz DEFAULT now(), note text COLLATE "C");
CREATE INDEX CONCURRENTLY sale_by_customer ON sale (customer) WHERE note IS NULL;
CREATE UNIQUE INDEX ON customer (lower(email) DESC NULLS LAST) INCLUDE (born);
CREATE INDEX sale_by_customer ON sale (id);
ALTER TABLE sale ADD COLUMN amount numeric NOT NULL DEFAULT 0, ADD PRIMARY KEY (id), ALTER note SET DEFAULT 'none', ALTER COLUMN id SET NOT NULL;
ALTER TABLE sale ADD COLUMN amount int;
ALTER TABLE sale RENAME note TO remark;
ALTER TABLE sale RENAME TO sales;
ALTER TABLE sales ALTER id TYPE bigint USING id * 2;
ALTER TABLE sales DROP COLUMN nothing;
ALTER TABLE sales DROP COLUMN IF EXISTS nothing;
ALTER TABLE sales ADD CONSTRAINT positive CHECK (amount >= 0);
INSERT INTO customer (email, born) VALUES ('a@x', '2000-01-01');
INSERT INTO sales (id, customer, amount) VALUES (1, 1, 5);
ALTER TABLE sales ADD CONSTRAINT small CHECK (amount < 5);
ALTER TABLE sales ALTER customer TYPE date;
\d customer
\d sales
\d+ sales
\di sale*
CREATE VIEW totals AS SELECT email, sum(amount) AS total FROM customer JOIN sales ON customer = customer.id GROUP BY email;
SELECT * FROM totals;
CREATE OR REPLACE VIEW totals AS SELECT email FROM customer;
SELECT pg_get_viewdef('totals'::regclass, true);
CREATE MATERIALIZED VIEW kept AS SELECT count(*) AS n FROM sales WITH NO DATA;
SELECT * FROM kept;
REFRESH MATERIALIZED VIEW kept;
SELECT * FROM kept;
INSERT INTO kept VALUES (1);
CREATE TABLE big_sales AS SELECT * FROM sales WHERE amount > 1;
SELECT amount INTO small_sales FROM sales;
CREATE TABLE like_sales (LIKE sales INCLUDING ALL);
\d like_sales
CREATE TABLE child (extra int) INHERITS (customer);
INSERT INTO child (email, extra) VALUES ('c@x', 1);
SELECT tableoid::regclass, email FROM customer ORDER BY email;
SELECT email FROM ONLY customer;
DROP TABLE customer;
DROP TABLE customer CASCADE;
DROP TABLE no_such, sales;
DROP TABLE IF EXISTS no_such;
DROP VIEW sales;
COMMENT ON TABLE sales IS 'what was sold';
COMMENT ON COLUMN sales.amount IS 'in crowns';
SELECT obj_description('sales'::regclass), col_description('sales'::regclass, 5);
SELECT table_name, table_type FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1;
SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns WHERE table_name = 'sales' ORDER BY ordinal_position;
SELECT conname, contype, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'sales'::regclass ORDER BY 1;
SELECT indexdef FROM pg_indexes WHERE tablename = 'sales' ORDER BY 1;
SELECT relname, relkind FROM pg_class WHERE relnamespace = 'shop'::regnamespace ORDER BY 1;
CREATE STATISTICS st ON id, amount FROM sales;
\dX
CREATE EXTENSION no_such_extension;
CREATE EXTENSION pg_trgm;
SELECT similarity('word', 'words'), 'word' % 'ward';
\dx pg_trgm
CREATE COLLATION german (provider = icu, locale = 'de-DE');
CREATE CAST (text AS int4) WITH INOUT;
CREATE ROLE regress_reader NOLOGIN;
CREATE ROLE regress_reader;
CREATE ROLE regress_writer LOGIN CONNECTION LIMIT 2 VALID UNTIL '2100-01-01';
GRANT USAGE ON SCHEMA shop TO regress_reader;
GRANT SELECT (id, amount), UPDATE (amount) ON sales TO regress_reader;
GRANT regress_reader TO regress_writer WITH ADMIN OPTION;
\dp sales
\du regress_*
SET ROLE regress_reader;
SELECT current_user, session_user;
SELECT amount FROM sales;
SELECT remark FROM sales;
UPDATE sales SET amount = amount;
DELETE FROM sales;
CREATE TABLE mine (n int);
SELECT has_table_privilege('sales', 'select'), has_column_privilege('sales', 'amount', 'update'), has_schema_privilege('shop', 'create');
RESET ROLE;
SELECT current_user;
ALTER TABLE sales ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON sales FOR SELECT TO regress_reader USING (amount > 100);
SET ROLE regress_reader;
SELECT count(*) FROM sales;
RESET ROLE;
SET SESSION AUTHORIZATION regress_writer;
SELECT current_user, session_user;
SET ROLE postgres;
CREATE ROLE another;
RESET SESSION AUTHORIZATION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO regress_reader;
CREATE TABLE later (n int);
\dp later
REVOKE ALL ON sales FROM regress_reader;
DROP ROLE regress_reader;
DROP OWNED BY regress_reader;
DROP POLICY own ON sales;
DROP ROLE regress_reader, regress_writer;
BEGIN;
CREATE TABLE undone (n int);
INSERT INTO undone VALUES (1);
ROLLBACK;
SELECT * FROM undone;
BEGIN;
DROP TABLE sales;
ROLLBACK;
SELECT count(*) FROM sales;
CREATE DATABASE nested_in_a_batch \; SELECT 1;
BEGIN;
CREATE DATABASE in_a_transaction;
ROLLBACK;
DROP SCHEMA shop;
\set VERBOSITY terse
DROP SCHEMA shop CASCADE;
SELECT current_schemas(false);
