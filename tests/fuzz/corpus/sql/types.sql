select '1 day'::interval * 2, date '2020-01-01' + 3, 'x'::char(3) || 'y', 1.5::numeric(5,1), extract(year from ts), case when k then iv end from a, b;
