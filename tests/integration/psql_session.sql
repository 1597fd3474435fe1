-- What a person does in one psql session: its own commands, COPY, cursors, savepoints, errors,
-- notifications, temporary tables, prepared statements, settings.
\set VERBOSITY verbose
CREATE TABLE goods (
  id serial PRIMARY KEY,
  name text NOT NULL CHECK (name <> ''),
  price numeric(10,2) DEFAULT 0,
  tags text[] DEFAULT '{}'
);
CREATE INDEX goods_by_name ON goods (name);
CREATE VIEW dear_goods AS SELECT id, name FROM goods WHERE price > 10;
COMMENT ON TABLE goods IS 'what the shop sells';
\d goods
\d+ dear_goods
\dt+ no_such_table
\di
\ds
\dn
\df no_such_function
\l no_such_database
\du no_such_role
\dp goods

\copy goods (name, price) from stdin with (format csv)
"tea, green",3.50
coffee,12.00
cocoa,
\.
\copy (select id, name, price from goods order by id) to stdout with (format csv, header)
COPY goods (id, name) FROM stdin;
10	sugar
11	milk
\.
COPY goods (id, name) FROM stdin;
12	honey
10	sugar twice
\.
COPY goods TO stdout;
COPY (SELECT name FROM goods ORDER BY name) TO stdout WITH (FORMAT text, DELIMITER '|');

-- results as psql shows them
\x
SELECT id, name FROM goods WHERE id = 1;
\x
\pset null '(null)'
SELECT price FROM goods WHERE id = 3;
SELECT count(*) AS goods FROM goods \gset
\echo :goods
SELECT 'SELECT ' || n || ' AS n' FROM generate_series(1, 3) n \gexec
SELECT id, name FROM goods ORDER BY id \gdesc
SELECT g.id, h.id, 1 FROM goods g, goods h WHERE g.id < 3 AND h.id < 3 ORDER BY 1, 2 \crosstabview
SELECT 1 \; SELECT 2 \; SELECT 3;
\set FETCH_COUNT 3
SELECT n, repeat('x', n) FROM generate_series(1, 10) n;
\set FETCH_COUNT 0
\bind
SELECT 1;

-- transactions, savepoints and errors
BEGIN;
INSERT INTO goods (name) VALUES ('salt') RETURNING name;
SAVEPOINT one;
INSERT INTO goods (name) VALUES ('');
SELECT 1;
ROLLBACK TO SAVEPOINT one;
INSERT INTO goods (name) VALUES ('pepper');
SAVEPOINT two;
DELETE FROM goods;
ROLLBACK TO two;
RELEASE two;
COMMIT;
SELECT name FROM goods ORDER BY name;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SHOW transaction_isolation;
DELETE FROM goods;
COMMIT;
START TRANSACTION;
SELECT 1 / 0;
COMMIT AND CHAIN;
ROLLBACK;
ROLLBACK;
COMMIT;
\set AUTOCOMMIT off
INSERT INTO goods (name) VALUES ('vinegar');
ROLLBACK;
SELECT count(*) FROM goods;
COMMIT;
\set AUTOCOMMIT on
\set ON_ERROR_ROLLBACK on
BEGIN;
INSERT INTO goods (name) VALUES (NULL);
INSERT INTO goods (name) VALUES ('oil');
COMMIT;
\set ON_ERROR_ROLLBACK off
SELEC 1;
SELECT nothing FROM goods;
SELECT * FROM nowhere;
SELECT 'abc'::integer;
INSERT INTO goods (id, name) VALUES (1, 'again');
\errverbose

-- cursors
BEGIN;
DECLARE some SCROLL CURSOR FOR SELECT id, name FROM goods ORDER BY id;
FETCH 2 FROM some;
MOVE FORWARD 1 IN some;
FETCH NEXT FROM some;
FETCH BACKWARD 2 FROM some;
FETCH LAST FROM some;
CLOSE some;
FETCH 1 FROM some;
ROLLBACK;
DECLARE kept CURSOR WITH HOLD FOR SELECT name FROM goods ORDER BY name;
FETCH 2 FROM kept;
SELECT name, is_holdable FROM pg_cursors;
FETCH 2 FROM kept;
CLOSE kept;

-- prepared statements
PREPARE find (int) AS SELECT name FROM goods WHERE id = $1;
EXECUTE find (1);
EXECUTE find (10);
SELECT name, statement, parameter_types FROM pg_prepared_statements WHERE name = 'find';
PREPARE find (int) AS SELECT 1;
DEALLOCATE find;
EXECUTE find (1);

-- temporary tables
CREATE TEMPORARY TABLE basket (good int, amount int);
INSERT INTO basket VALUES (1, 2), (10, 1);
SELECT name, amount FROM basket JOIN goods ON good = id ORDER BY id;
CREATE TEMP TABLE short ON COMMIT DROP AS SELECT 1;
SELECT * FROM short;
BEGIN;
CREATE TEMP TABLE short ON COMMIT DELETE ROWS AS SELECT 1 AS n;
SELECT n FROM short;
COMMIT;
SELECT n FROM short;
DROP TABLE basket, short;

-- notifications
LISTEN news;
NOTIFY news, 'first';
SELECT pg_notify('news', 'second');
BEGIN;
NOTIFY news, 'third';
SELECT 'not yet';
COMMIT;
SELECT pg_listening_channels();
UNLISTEN *;
NOTIFY news, 'to nobody';
SELECT 1 AS quiet;

-- settings
SET search_path = pg_catalog, public;
SHOW search_path;
SET work_mem = '5MB';
SELECT current_setting('work_mem');
BEGIN;
SET LOCAL work_mem = '6MB';
SHOW work_mem;
COMMIT;
SHOW work_mem;
SET TIME ZONE 'Asia/Shanghai';
SELECT '2024-01-01 00:00:00+00'::timestamptz;
RESET ALL;
SHOW work_mem;
SET DateStyle = 'German';
SELECT '2024-02-29'::date;
RESET DateStyle;
SET no_such_setting = 1;
SET client_min_messages = debug1;
RESET client_min_messages;
SELECT set_config('shop.till', '7', false);
SELECT current_setting('shop.till');
SET ROLE no_such_role;
\encoding
SET client_encoding = 'LATIN1';
\encoding
RESET client_encoding;

-- notices, functions, procedures
DO $$ BEGIN RAISE NOTICE 'a notice'; RAISE WARNING 'a warning' USING HINT = 'none'; END $$;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
SELECT twice(21);
\df twice
\sf twice
CREATE PROCEDURE put(text) LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO goods (name) VALUES ($1);
  COMMIT;
  INSERT INTO goods (name) VALUES ($1 || ' again');
  ROLLBACK;
END $$;
CALL put('rice');
SELECT name FROM goods WHERE name LIKE 'rice%';
DROP TABLE IF EXISTS no_such_table;
DROP TABLE goods;
DROP TABLE goods CASCADE;
SELECT lastval() > 0 AS has_drawn;
DISCARD ALL;
SELECT lastval();
