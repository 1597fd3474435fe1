update a set n = n * 1.1, (x, t) = (1, upper(t)) from b where b.id = a.id; delete from a using c where c.a = a.id;
