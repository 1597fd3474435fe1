-- COPY that freezes its rows: nothing else may hold a snapshot in the transaction.
BEGIN;
CREATE TABLE frozen (n int);
COPY frozen FROM stdin WITH (FREEZE);
1
2
\.
COMMIT;
SELECT * FROM frozen;
COPY frozen FROM stdin WITH (FREEZE);
3
\.
BEGIN;
TRUNCATE frozen;
COPY frozen FROM stdin CSV FREEZE;
4
\.
SELECT * FROM frozen;
COMMIT;
