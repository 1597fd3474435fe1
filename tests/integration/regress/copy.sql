-- COPY in every direction and format, its errors, and what stands around it.
CREATE TABLE c (a int, b text DEFAULT 'none', d date);
COPY c FROM stdin;
1	one	2024-01-01
2	\N	\N
3	tab\there	2024-02-29
\.
COPY c (a) FROM stdin WITH (FORMAT csv);
4
5
\.
COPY c FROM stdin WITH (FORMAT csv, HEADER, DELIMITER ';', NULL 'nil', QUOTE '''');
a;b;d
6;'semi;colon';2024-03-01
7;nil;nil
8;'it''s';2024-03-02
\.
COPY c FROM stdin (FORMAT csv, HEADER match);
a,wrong,d
9,x,
\.
SELECT * FROM c ORDER BY a;
COPY c FROM stdin;
x	y	z
\.
COPY c FROM stdin;
10
\.
COPY c FROM stdin;
10	a	2024-01-01	more
\.
COPY c FROM stdin;
10	a	2024-13-01
\.
SELECT count(*) FROM c;
COPY c (a, b) FROM stdin WHERE a > 100;
99	skipped
101	taken
\.
COPY c TO stdout;
COPY c (b, a) TO stdout WITH (FORMAT csv, HEADER, FORCE_QUOTE *);
COPY (SELECT a, b FROM c WHERE a < 3 ORDER BY a) TO stdout WITH (NULL '-', DELIMITER ',');
COPY (INSERT INTO c VALUES (200) RETURNING *) TO stdout;
COPY (SELECT 1 / 0) TO stdout;
COPY nowhere TO stdout;
COPY c (nothing) TO stdout;
COPY c TO stdout WITH (FORMAT nothing);
COPY c FROM stdin WITH (DELIMITER 'ab');
BEGIN;
COPY c (a) FROM stdin;
300
\.
SAVEPOINT s;
COPY c (a) FROM stdin;
301
bad
\.
ROLLBACK TO s;
COPY c (a) FROM stdin;
302
\.
COMMIT;
SELECT a FROM c WHERE a >= 300 ORDER BY a;
CREATE TABLE plain (n int);
CREATE VIEW v AS SELECT * FROM c;
COPY v TO stdout;
COPY v FROM stdin;
\copy plain from stdin
7
8
\.
\copy (select n from plain order by n) to stdout
\copy nowhere from stdin
1
\.
COPY (SELECT n, repeat('long ', 400) FROM generate_series(1, 200) n) TO stdout;
SELECT 1 AS before \; COPY (SELECT 2) TO stdout \; SELECT 3 AS after;
CREATE TEMP TABLE passing (n int);
COPY passing FROM stdin;
1
\.
SELECT * FROM passing;
COPY c FROM '/no/such/file';
COPY c TO PROGRAM 'false';
