select x, count(*), sum(n), avg(x) filter (where d > '2020-01-01'), string_agg(t, ',') from a group by x having max(n) > 2 order by sum(n);
