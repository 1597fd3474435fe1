-- Forty questions to the Chinook shop, each ended by a semicolon at the end of a line. Every one has an
-- order that leaves nothing open, so that two servers' answers can be compared line by line.

-- 1 joins
SELECT ar.name, al.title FROM artist ar JOIN album al ON al.artist_id = ar.artist_id ORDER BY ar.name, al.title LIMIT 25;
SELECT t.track_id, t.name, g.name, m.name FROM track t JOIN genre g ON g.genre_id = t.genre_id JOIN media_type m ON m.media_type_id = t.media_type_id WHERE t.track_id BETWEEN 100 AND 120 ORDER BY t.track_id;
SELECT ar.name FROM artist ar LEFT JOIN album al ON al.artist_id = ar.artist_id WHERE al.album_id IS NULL ORDER BY ar.name LIMIT 20;
SELECT e.last_name, b.last_name AS boss FROM employee e LEFT JOIN employee b ON b.employee_id = e.reports_to ORDER BY e.employee_id;
SELECT c.last_name, e.first_name FROM customer c INNER JOIN employee e ON c.support_rep_id = e.employee_id ORDER BY c.customer_id LIMIT 30;
-- 6 groups
SELECT g.name, count(*) FROM track t JOIN genre g USING (genre_id) GROUP BY g.name ORDER BY count(*) DESC, g.name;
SELECT billing_country, count(*) AS invoices, sum(total) AS money FROM invoice GROUP BY billing_country ORDER BY money DESC, billing_country;
SELECT a.title, count(t.track_id) AS tracks, sum(t.milliseconds) / 1000 AS seconds FROM album a JOIN track t ON t.album_id = a.album_id GROUP BY a.album_id, a.title HAVING count(t.track_id) > 20 ORDER BY tracks DESC, a.title;
SELECT customer_id, sum(total) FROM invoice GROUP BY customer_id HAVING sum(total) > 40 ORDER BY sum(total) DESC, customer_id;
SELECT count(*), count(composer), count(DISTINCT composer) FROM track;
SELECT min(milliseconds), max(milliseconds), avg(milliseconds), sum(bytes) FROM track;
SELECT media_type_id, round(avg(unit_price), 4), min(name), max(name) FROM track GROUP BY media_type_id ORDER BY media_type_id;
-- 13 dates
SELECT extract(year FROM invoice_date) AS y, sum(total) FROM invoice GROUP BY extract(year FROM invoice_date) ORDER BY y;
SELECT date_trunc('month', invoice_date) AS m, count(*), sum(total) FROM invoice GROUP BY date_trunc('month', invoice_date) ORDER BY m LIMIT 24;
SELECT invoice_id, invoice_date FROM invoice WHERE invoice_date >= '2023-06-01' AND invoice_date < '2023-07-01' ORDER BY invoice_id;
SELECT last_name, hire_date, birth_date::date FROM employee WHERE hire_date > TIMESTAMP '2003-01-01' ORDER BY hire_date, employee_id;
SELECT invoice_id, invoice_date + INTERVAL '30 days' AS due FROM invoice WHERE invoice_id < 10 ORDER BY invoice_id;
SELECT extract(dow FROM invoice_date) AS weekday, count(*) FROM invoice GROUP BY 1 ORDER BY 1;
SELECT min(invoice_date), max(invoice_date), max(invoice_date) - min(invoice_date) FROM invoice;
-- 20 money
SELECT sum(unit_price * quantity) FROM invoice_line;
SELECT invoice_id, total, total * 0.19 AS tax, round(total * 1.19, 2) AS gross FROM invoice WHERE total > 15 ORDER BY invoice_id;
SELECT invoice_id, total / 3 AS third, total - 0.99 AS less FROM invoice WHERE invoice_id <= 8 ORDER BY invoice_id;
SELECT avg(total), sum(total) / count(*) FROM invoice;
SELECT i.invoice_id FROM invoice i JOIN invoice_line l ON l.invoice_id = i.invoice_id GROUP BY i.invoice_id, i.total HAVING i.total <> sum(l.unit_price * l.quantity) ORDER BY i.invoice_id;
-- 25 IN, EXISTS, subqueries
SELECT name FROM track WHERE genre_id IN (SELECT genre_id FROM genre WHERE name IN ('Opera', 'Science Fiction')) ORDER BY name;
SELECT customer_id, last_name FROM customer WHERE country NOT IN ('USA', 'Canada', 'Brazil', 'France', 'Germany') ORDER BY customer_id LIMIT 20;
SELECT ar.name FROM artist ar WHERE EXISTS (SELECT 1 FROM album al WHERE al.artist_id = ar.artist_id AND al.title LIKE 'The %') ORDER BY ar.name;
SELECT count(*) FROM track t WHERE NOT EXISTS (SELECT 1 FROM invoice_line l WHERE l.track_id = t.track_id);
SELECT name, milliseconds FROM track WHERE milliseconds > (SELECT avg(milliseconds) * 5 FROM track) ORDER BY milliseconds DESC, track_id LIMIT 15;
SELECT c.customer_id, (SELECT count(*) FROM invoice i WHERE i.customer_id = c.customer_id) AS n FROM customer c ORDER BY n DESC, c.customer_id LIMIT 12;
SELECT s.country, s.money FROM (SELECT billing_country AS country, sum(total) AS money FROM invoice GROUP BY billing_country) AS s WHERE s.money > 100 ORDER BY s.money DESC;
WITH top AS (SELECT track_id, count(*) AS sold FROM invoice_line GROUP BY track_id) SELECT t.name, top.sold FROM top JOIN track t ON t.track_id = top.track_id WHERE top.sold > 1 ORDER BY t.name, t.track_id LIMIT 20;
-- 33 CASE, COALESCE, text
SELECT CASE WHEN milliseconds < 180000 THEN 'short' WHEN milliseconds < 360000 THEN 'middle' ELSE 'long' END AS length, count(*) FROM track GROUP BY 1 ORDER BY 1;
SELECT customer_id, coalesce(company, '-'), coalesce(state, city) FROM customer ORDER BY customer_id LIMIT 30;
SELECT upper(last_name) || ', ' || first_name, length(email) FROM customer WHERE email LIKE '%@gmail.com' ORDER BY last_name, first_name;
SELECT name FROM track WHERE name ILIKE '%love%' AND name NOT LIKE 'Love%' ORDER BY name, track_id LIMIT 30 OFFSET 5;
SELECT substring(name FROM 1 FOR 3) AS begin, count(*) FROM artist GROUP BY 1 HAVING count(*) > 3 ORDER BY 2 DESC, 1;
-- 38 sets and order
SELECT city FROM customer UNION SELECT city FROM employee ORDER BY city;
SELECT DISTINCT country FROM customer WHERE state IS NULL ORDER BY country DESC;
SELECT track_id, composer FROM track WHERE album_id IN (1, 2, 3, 10) ORDER BY composer DESC NULLS LAST, track_id;
