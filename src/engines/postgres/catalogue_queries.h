// engines/postgres/catalogue_queries.h: what CatalogueObjects asks of a server's catalogues.
#pragma once

namespace spar::engines::postgres {

// Names in these queries, operators too, must mean pg_catalog's, whatever users made.
inline constexpr const char* kOnlyTheServers =
    "select pg_catalog.set_config('search_path', 'pg_catalog', false)";

// Volatilities are 0, 1, 2 in all of these, so that the greatest is the worst.
inline constexpr const char* kRelations = R"(
select c.oid, n.nspname, c.relname, c.relkind, c.relpersistence
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
   and c.relpersistence <> 't' and n.nspname <> 'pg_toast' limit $1::int8)";

inline constexpr const char* kChildren = R"(
select i.inhparent, i.inhrelid from pg_inherits i join pg_class c on c.oid = i.inhrelid
 where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't' limit $1::int8)";

// An aggregate counts as immutable whatever its functions are. Procedures no query can call.
inline constexpr const char* kFunctions = R"(
select p.oid, n.nspname, p.proname, p.pronargs - p.pronargdefaults,
       case when p.provariadic <> 0 then 1000 else p.pronargs end,
       greatest(strpos('isv', p.provolatile::text) - 1,
         (select max(strpos('isv', f.provolatile::text)) - 1
            from pg_aggregate a join pg_proc f
              on f.oid in (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn,
                           a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
           where a.aggfnoid = p.oid and p.prokind = 'a'))
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace
 where p.oid >= 16384 and p.prokind <> 'p' and n.nspname !~ '^pg_temp_' limit $1::int8)";

inline constexpr const char* kOperators = R"(
select n.nspname, o.oprname, max(strpos('isv', p.provolatile::text)) - 1
  from pg_operator o join pg_namespace n on n.oid = o.oprnamespace
  join pg_proc p on p.oid = o.oprcode
 where o.oid >= 16384 group by 1, 2 limit $1::int8)";

// Row types of tables come with the tables. A cast that a user made counts against its target.
inline constexpr const char* kTypes = R"(
with casts as (
  select casttarget, max(strpos('isv', p.provolatile::text)) - 1 as worst
    from pg_cast c join pg_proc p on p.oid = c.castfunc where c.oid >= 16384 group by 1)
select t.oid, n.nspname, t.typname, strpos('isv', i.provolatile::text) - 1,
       coalesce(casts.worst, 0)
  from pg_type t join pg_namespace n on n.oid = t.typnamespace
  join pg_proc i on i.oid = t.typinput left join casts on casts.casttarget = t.oid
 where n.nspname !~ '^pg_temp_'
   and (casts.worst is not null
        or t.oid >= 16384 and t.typtype in ('b', 'd', 'e', 'r', 'm') and t.typcategory <> 'A')
 limit $1::int8)";

// What has a part of these types: domains over them, arrays, ranges, rows.
inline constexpr const char* kMadeOfTypes = R"(
with recursive edges(part, whole) as (
  select typbasetype, oid from pg_type where typbasetype <> 0
  union all select typelem, oid from pg_type where typelem <> 0 and typcategory = 'A'
  union all select rngsubtype, rngtypid from pg_range
  union all select a.atttypid, c.reltype from pg_attribute a join pg_class c on c.oid = a.attrelid
             where c.reltype <> 0 and a.attnum > 0 and not a.attisdropped),
bad(oid) as (
  select unnest($1::oid[]) union select whole from bad join edges on part = bad.oid)
select t.oid, t.typrelid from bad join pg_type t on t.oid = bad.oid)";

inline constexpr const char* kFunctionsUsed =
    "select oid, proname from pg_proc where oid = any($1::oid[]) and oid < 16384 "
    "and provolatile <> 'v' union all "
    "select oid, 'volatile ' || proname from pg_proc where oid = any($1::oid[]) and oid < 16384 "
    "and provolatile = 'v'";
inline constexpr const char* kOperatorsUsed =
    "select oid, oprcode::oid from pg_operator where oid = any($1::oid[])";
inline constexpr const char* kRelationsUsed =
    "select c.oid, n.nspname, c.relname from pg_class c join pg_namespace n "
    "on n.oid = c.relnamespace where c.oid = any($1::oid[]) and c.oid < 16384";

// Trees, a page each: own number, owner, tree. Too long a tree comes as NULL.
struct TreeSource {
  const char* id;
  const char* owner;
  const char* tree;
  const char* from;
};
inline constexpr TreeSource kRules = {"oid", "ev_class", "ev_action",
                                      "pg_rewrite where ev_type = '1'"};
inline constexpr TreeSource kPolicies = {
    "oid", "polrelid", "polqual",
    "pg_policy where polcmd in ('r', '*') and (select relrowsecurity from pg_class c "
    "where c.oid = polrelid)"};
inline constexpr TreeSource kChecks = {"oid", "contypid", "conbin",
                                       "pg_constraint where contypid <> 0"};
inline constexpr TreeSource kDefaults = {"oid", "oid", "proargdefaults", "pg_proc where true"};

// pg_class by what matters of it: TRUNCATE and REFRESH write new versions of rows that say the
// same. The others change only when their objects do. Which column has which of the users' types
// is read from pg_depend, which has an index by the type.
inline constexpr const char* kFingerprint = R"(
select concat_ws(' ',
  (select sum(hashtextextended(concat_ws(' ', oid, relname, relnamespace, relkind, relpersistence,
                                         relrowsecurity), 0))
     from pg_class where oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
                     and relpersistence <> 't'),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_proc where oid >= 16384),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_operator where oid >= 16384),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_type
    where oid >= 16384 and typtype <> 'c' and typcategory <> 'A'),
  (select sum(hashtextextended(concat_ws(' ', objid, objsubid, refobjid), 0)) from pg_depend
    where refclassid = 'pg_type'::regclass and classid = 'pg_class'::regclass and objsubid > 0),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_cast where oid >= 16384),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_rewrite
    where oid >= 16384 and ev_type = '1'),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_policy),
  (select sum(hashtextextended(concat_ws(' ', oid, xmin), 0)) from pg_constraint
    where contypid <> 0 and oid >= 16384),
  (select sum(hashtextextended(concat_ws(' ', oid, nspname), 0)) from pg_namespace
    where nspname !~ '^pg_(toast_)?temp_'),
  (select sum(hashtextextended(concat_ws(' ', i.inhparent, i.inhrelid), 0))
     from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where c.relkind in ('r', 'p', 'f') and c.relpersistence <> 't')))";

}  // namespace spar::engines::postgres
