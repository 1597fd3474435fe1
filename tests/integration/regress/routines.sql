-- Functions, procedures, PL/pgSQL, triggers, rules, event order, notices and raised errors.
CREATE TABLE account (id int PRIMARY KEY, owner text, sum numeric DEFAULT 0);
CREATE TABLE journal (n serial, what text);
CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT a + b $$;
SELECT add(1), add(1, 2), add(b => 3, a => 4), add(NULL, 1);
SELECT add();
SELECT add('x', 1);
CREATE FUNCTION add(text, text) RETURNS text RETURN $1 || $2;
SELECT add('a'::text, 'b'::text), add('1', '2');
CREATE FUNCTION divide(a int, b int, OUT q int, OUT r int) LANGUAGE plpgsql AS $$
BEGIN
  q := a / b; r := a % b;
EXCEPTION WHEN division_by_zero THEN
  RAISE NOTICE 'dividing % by zero: %', a, SQLERRM; q := NULL; r := a;
END $$;
SELECT * FROM divide(7, 2);
SELECT divide(7, 0);
CREATE FUNCTION countdown(n int) RETURNS SETOF int LANGUAGE plpgsql AS $$
BEGIN
  WHILE n > 0 LOOP RETURN NEXT n; n := n - 1; CONTINUE WHEN n > 100; END LOOP;
  RETURN QUERY SELECT -1 UNION ALL SELECT -2;
END $$;
SELECT * FROM countdown(3);
CREATE FUNCTION people(pattern text) RETURNS TABLE (who text, how_much numeric) LANGUAGE plpgsql STABLE AS $$
BEGIN RETURN QUERY EXECUTE 'SELECT owner, sum FROM account WHERE owner LIKE $1 ORDER BY owner' USING pattern; END $$;
INSERT INTO account VALUES (1, 'Ada', 10), (2, 'Bo', 20), (3, 'Al', 30);
SELECT * FROM people('A%');
CREATE FUNCTION total(VARIADIC numeric[]) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE result numeric := 0; each numeric;
BEGIN
  FOREACH each IN ARRAY $1 LOOP result := result + each; END LOOP;
  ASSERT result >= 0, 'less than nothing';
  RETURN result;
END $$;
SELECT total(1, 2, 3.5), total(VARIADIC ARRAY[1, 1]);
SELECT total(-1);
CREATE FUNCTION fail(code text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'failed on purpose' USING ERRCODE = code, DETAIL = 'some detail', HINT = 'some hint', TABLE = 'account', CONSTRAINT = 'none'; END $$;
\set VERBOSITY verbose
SELECT fail('22012');
SELECT fail('P0001');
\set VERBOSITY sqlstate
SELECT fail('XX000');
\set VERBOSITY default
SELECT fail('bad');
DO $$
DECLARE state text; message text; context text;
BEGIN
  PERFORM fail('23505');
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, context = PG_EXCEPTION_CONTEXT;
  RAISE INFO '% % %', state, message, context;
END $$;
DO $$ DECLARE r record; n int; BEGIN
  FOR r IN SELECT * FROM account ORDER BY id LOOP RAISE NOTICE '% has %', r.owner, r.sum; END LOOP;
  UPDATE account SET sum = sum + 1 WHERE id < 3; GET DIAGNOSTICS n = ROW_COUNT; RAISE NOTICE '% rows', n;
  SELECT sum INTO STRICT n FROM account WHERE id = 99;
END $$;
SELECT * FROM account ORDER BY id;
CREATE PROCEDURE move(a int, b int, amount numeric, INOUT left_over numeric DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE account SET sum = sum - amount WHERE id = a RETURNING sum INTO left_over;
  UPDATE account SET sum = sum + amount WHERE id = b;
  IF left_over < 0 THEN ROLLBACK; RAISE WARNING 'not enough'; ELSE COMMIT; END IF;
END $$;
CALL move(1, 2, 5);
CALL move(1, 2, 500);
BEGIN;
CALL move(1, 2, 1);
ROLLBACK;
SELECT * FROM account ORDER BY id;
SELECT move(1, 2, 1);
CALL add(1, 2);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO journal (what) VALUES (format('%s %s %s %s', TG_NAME, TG_WHEN, TG_OP, coalesce(NEW.owner, OLD.owner)));
  IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
  IF NEW.sum > 1000 THEN RETURN NULL; END IF;
  NEW.owner := upper(NEW.owner);
  RETURN NEW;
END $$;
CREATE TRIGGER before_all BEFORE INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER after_some AFTER UPDATE OF sum ON account FOR EACH ROW WHEN (OLD.sum IS DISTINCT FROM NEW.sum) EXECUTE FUNCTION note();
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE '% new rows', (SELECT count(*) FROM fresh); RETURN NULL; END $$;
CREATE TRIGGER per_statement AFTER INSERT ON account REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_new();
INSERT INTO account VALUES (4, 'di', 4), (5, 'ed', 5000), (6, 'fe', 6) RETURNING *;
UPDATE account SET sum = sum * 2 WHERE id IN (4, 6);
UPDATE account SET owner = owner;
DELETE FROM account WHERE id = 6 RETURNING owner;
SELECT what FROM journal ORDER BY n;
ALTER TABLE account DISABLE TRIGGER before_all;
INSERT INTO account VALUES (7, 'low', 1);
SELECT owner FROM account WHERE id = 7;
DROP TRIGGER per_statement ON account;
CREATE VIEW rich AS SELECT id, owner, sum FROM account WHERE sum > 20 WITH CHECK OPTION;
INSERT INTO rich VALUES (8, 'Gus', 21);
INSERT INTO rich VALUES (9, 'Hal', 1);
UPDATE rich SET sum = 0;
CREATE RULE no_delete AS ON DELETE TO journal DO INSTEAD NOTHING;
DELETE FROM journal;
SELECT count(*) > 0 FROM journal;
CREATE FUNCTION forever() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN forever(); END $$;
SET max_stack_depth = '100kB';
\set VERBOSITY terse
SELECT forever();
\set VERBOSITY default
RESET max_stack_depth;
CREATE FUNCTION broken() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETRUN 1; END $$;
CREATE FUNCTION broken() RETURNS int LANGUAGE sql AS $$ SELECT nothing $$;
CREATE FUNCTION lazy() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT nothing); END $$;
SELECT lazy();
CREATE AGGREGATE product(numeric) (SFUNC = numeric_mul, STYPE = numeric, INITCOND = '1');
SELECT product(n::numeric) FROM generate_series(1, 20) n;
CREATE OPERATOR ~+ (LEFTARG = int, RIGHTARG = int, FUNCTION = add);
SELECT 3 ~+ 4;
CREATE FUNCTION pinned() RETURNS text LANGUAGE sql SET work_mem = '7MB' AS $$ SELECT current_setting('work_mem') $$;
SELECT pinned(), current_setting('work_mem');
DROP FUNCTION add;
DROP FUNCTION add(int, int);
DROP FUNCTION add(int, int) CASCADE;
DROP FUNCTION IF EXISTS no_such(int);
