select id from a union select id from b except all select 3 intersect select x from a order by 1; with q as (select 1 as z) select * from q, q r;
