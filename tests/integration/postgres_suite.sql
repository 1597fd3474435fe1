-- Rows for the tables that PostgreSQL's test_setup fills from files, where it did not find them.
INSERT INTO onek
SELECT u, n, u % 2, u % 4, u % 10, u % 20, u % 100, u % 1000, u % 2000, u % 5000, u % 10000,
       (u % 100) * 2 + 1, (u % 100) * 2, 'U' || lpad(u::text, 5, 'A'), 'N' || lpad(n::text, 5, 'A'),
       (ARRAY['AAAAxx', 'HHHHxx', 'OOOOxx', 'VVVVxx'])[u % 4 + 1]
FROM (SELECT n, (n * 379 + 17) % 1000 AS u FROM generate_series(0, 999) n) x
WHERE NOT EXISTS (SELECT FROM onek);
INSERT INTO tenk1
SELECT u, n, u % 2, u % 4, u % 10, u % 20, u % 100, u % 1000, u % 2000, u % 5000, u % 10000,
       (u % 100) * 2 + 1, (u % 100) * 2, 'U' || lpad(u::text, 5, 'A'), 'N' || lpad(n::text, 5, 'A'),
       (ARRAY['AAAAxx', 'HHHHxx', 'OOOOxx', 'VVVVxx'])[u % 4 + 1]
FROM (SELECT n, (n * 3793 + 17) % 10000 AS u FROM generate_series(0, 9999) n) x
WHERE NOT EXISTS (SELECT FROM tenk1);
INSERT INTO onek2 SELECT * FROM onek WHERE NOT EXISTS (SELECT FROM onek2);
INSERT INTO tenk2 SELECT * FROM tenk1 WHERE NOT EXISTS (SELECT FROM tenk2);
INSERT INTO person SELECT 'person ' || n, n % 80, point(n, -n) FROM generate_series(1, 50) n
WHERE NOT EXISTS (SELECT FROM person);
VACUUM ANALYZE;
