insert into a (id, n, d, ts) values (1, 2.5, '2020-01-01', now()), ($1, default, current_date, null) on conflict (id) do update set n = excluded.n + a.n where a.x > 1 returning *;
