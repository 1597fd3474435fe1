#include "query/bind/types.h"

#include <algorithm>
#include <array>

namespace spar::query::bind {
namespace {

struct CastRule {
  TypeId from, to;
  CastContext context;
};

using enum TypeId;
constexpr CastContext kImplicit = CastContext::implicit;
constexpr CastContext kAssignment = CastContext::assignment;
constexpr CastContext kExplicit = CastContext::explicit_;

constexpr CastRule kCasts[] = {
    {int2, int4, kImplicit},
    {int2, int8, kImplicit},
    {int2, float4, kImplicit},
    {int2, float8, kImplicit},
    {int2, numeric, kImplicit},
    {int2, oid, kImplicit},
    {int4, int2, kAssignment},
    {int4, int8, kImplicit},
    {int4, float4, kImplicit},
    {int4, float8, kImplicit},
    {int4, numeric, kImplicit},
    {int4, oid, kImplicit},
    {int4, boolean, kExplicit},
    {int8, int2, kAssignment},
    {int8, int4, kAssignment},
    {int8, float4, kImplicit},
    {int8, float8, kImplicit},
    {int8, numeric, kImplicit},
    {int8, oid, kImplicit},
    {float4, int2, kAssignment},
    {float4, int4, kAssignment},
    {float4, int8, kAssignment},
    {float4, float8, kImplicit},
    {float4, numeric, kAssignment},
    {float8, int2, kAssignment},
    {float8, int4, kAssignment},
    {float8, int8, kAssignment},
    {float8, float4, kAssignment},
    {float8, numeric, kAssignment},
    {numeric, int2, kAssignment},
    {numeric, int4, kAssignment},
    {numeric, int8, kAssignment},
    {numeric, float4, kImplicit},
    {numeric, float8, kImplicit},
    {oid, int4, kAssignment},
    {oid, int8, kAssignment},
    {boolean, int4, kExplicit},
    {text, bpchar, kImplicit},
    {text, varchar, kImplicit},
    {text, name, kImplicit},
    {text, character, kAssignment},
    {varchar, text, kImplicit},
    {varchar, bpchar, kImplicit},
    {varchar, name, kImplicit},
    {varchar, character, kAssignment},
    {bpchar, text, kImplicit},
    {bpchar, varchar, kImplicit},
    {bpchar, name, kImplicit},
    {bpchar, character, kAssignment},
    {name, text, kImplicit},
    {name, bpchar, kAssignment},
    {name, varchar, kAssignment},
    {character, text, kImplicit},
    {character, bpchar, kAssignment},
    {character, varchar, kAssignment},
    {date, timestamp, kImplicit},
    {date, timestamptz, kImplicit},
    {time, interval, kImplicit},
    {timestamp, date, kAssignment},
    {timestamp, time, kAssignment},
    {timestamp, timestamptz, kImplicit},
    {timestamptz, date, kAssignment},
    {timestamptz, time, kAssignment},
    {timestamptz, timestamp, kAssignment},
    {interval, time, kAssignment},
    {json, jsonb, kAssignment},
    {jsonb, json, kAssignment},
    {jsonb, boolean, kExplicit},
    {jsonb, numeric, kExplicit},
    {jsonb, int2, kExplicit},
    {jsonb, int4, kExplicit},
    {jsonb, int8, kExplicit},
    {jsonb, float4, kExplicit},
    {jsonb, float8, kExplicit},
};

// PostgreSQL types that Spar does not have, so that they get 0A000 and not "does not exist".
constexpr std::string_view kMissingTypes[] = {
    "bit",          "box",       "cidr",       "circle",         "cstring",   "datemultirange",
    "daterange",    "inet",      "int2vector", "int4multirange", "int4range", "int8range",
    "jsonpath",     "line",      "lseg",       "macaddr",        "macaddr8",  "money",
    "numrange",     "oidvector", "path",       "pg_lsn",         "point",     "polygon",
    "record",       "refcursor", "regclass",   "regproc",        "regtype",   "regrole",
    "regnamespace", "serial",    "serial2",    "serial4",        "serial8",   "bigserial",
    "smallserial",  "tid",       "timetz",     "tsquery",        "tsrange",   "tstzrange",
    "tsvector",     "varbit",    "xid",        "xid8",           "xml"};

bool is_string(TypeId type) {
  return category(type) == Category::string;
}

}  // namespace

Category category(TypeId type) {
  if (data::is_array(type)) return Category::array;
  switch (type) {
    case boolean:
      return Category::boolean;
    case int2:
    case int4:
    case int8:
    case oid:
    case float4:
    case float8:
    case numeric:
      return Category::number;
    case text:
    case varchar:
    case bpchar:
    case name:
      return Category::string;
    case date:
    case time:
    case timestamp:
    case timestamptz:
      return Category::datetime;
    case interval:
      return Category::timespan;
    case character:
      return Category::internal;
    case none:
    case unknown:
      return Category::unknown;
    default:
      return Category::user;
  }
}

bool is_preferred(TypeId type) {
  return type == boolean || type == float8 || type == oid || type == text || type == timestamptz ||
         type == interval;
}

bool can_cast(TypeId from, TypeId to, CastContext context) {
  if (from == to || from == unknown) return true;
  const auto rule =
      std::ranges::find_if(kCasts, [&](const CastRule& r) { return r.from == from && r.to == to; });
  if (rule != std::end(kCasts)) return rule->context <= context;
  if (data::is_array(from) && data::is_array(to)) {
    return can_cast(data::element_of(from), data::element_of(to), context);
  }
  // Everything converts to and from text through its text form, if somebody asks for it.
  if (is_string(to)) return context >= CastContext::assignment;
  if (is_string(from)) return context == CastContext::explicit_;
  return false;
}

std::string name_of(TypeId type) {
  return type == none || type == unknown ? "unknown" : data::type_name(Type{type, -1});
}

Result<Type> common_type(std::span<const Candidate> candidates, std::string_view what) {
  Type best{unknown, -1};
  bool same_typmod = true;
  for (const Candidate& candidate : candidates) {
    const TypeId next = candidate.type.id;
    if (next == unknown) continue;
    if (best.id == unknown) {
      best = candidate.type;
    } else if (next == best.id) {
      same_typmod = same_typmod && candidate.type.typmod == best.typmod;
    } else if (category(next) != category(best.id)) {
      return sql_error("42804",
                       std::string(what) + " types " + name_of(best.id) + " and " + name_of(next) +
                           " cannot be matched",
                       candidate.position);
    } else {
      same_typmod = false;
      if (!is_preferred(best.id) && can_cast(best.id, next, CastContext::implicit) &&
          !can_cast(next, best.id, CastContext::implicit)) {
        best = Type{next, -1};
      }
    }
  }
  if (best.id == unknown) return Type{text, -1};
  const bool any_unknown =
      std::ranges::any_of(candidates, [](const Candidate& c) { return c.type.id == unknown; });
  if (!same_typmod || any_unknown) best.typmod = -1;
  for (const Candidate& candidate : candidates) {
    if (can_cast(candidate.type.id, best.id, CastContext::implicit)) continue;
    return sql_error("42846",
                     std::string(what) + " could not convert type " + name_of(candidate.type.id) +
                         " to " + name_of(best.id),
                     candidate.position);
  }
  return best;
}

namespace {

std::optional<int> modifier(const grammar::Node* node) {
  if (node->node_case != PG_QUERY__NODE__NODE_A_CONST) return std::nullopt;
  const PgQuery__AConst& constant = *node->a_const;
  if (constant.val_case != PG_QUERY__A__CONST__VAL_IVAL) return std::nullopt;
  return constant.ival->ival;
}

Result<std::int32_t> length_typmod(TypeId type, std::span<const int> given) {
  const std::string word = type == varchar ? "varchar" : "char";
  if (given.size() != 1) return sql_error("22023", "invalid type modifier");
  if (given[0] < 1) {
    return sql_error("22023", "length for type " + word + " must be at least 1");
  }
  if (given[0] > 10485760) {
    return sql_error("22023", "length for type " + word + " cannot exceed 10485760");
  }
  return given[0] + 4;
}

Result<std::int32_t> numeric_typmod(std::span<const int> given) {
  if (given.size() > 2) return sql_error("22023", "invalid NUMERIC type modifier");
  const int scale = given.size() == 2 ? given[1] : 0;
  if (given[0] < 1 || given[0] > 1000) {
    return sql_error(
        "22023", "NUMERIC precision " + std::to_string(given[0]) + " must be between 1 and 1000");
  }
  if (scale < -1000 || scale > 1000) {
    return sql_error("22023",
                     "NUMERIC scale " + std::to_string(scale) + " must be between -1000 and 1000");
  }
  if (scale < 0) return not_supported("a numeric type with a negative scale");
  return data::numeric_type(given[0], scale).typmod;
}

Result<std::int32_t> typmod_of(TypeId type, std::span<const int> given) {
  switch (type) {
    case varchar:
    case bpchar:
      return length_typmod(type, given);
    case numeric:
      return numeric_typmod(given);
    case time:
    case timestamp:
    case timestamptz:
      if (given[0] < 0) return sql_error("22023", "invalid type modifier");
      return std::min(given[0], 6);
    case interval:
      return not_supported("an interval type with fields or precision");
    default:
      return sql_error("42601", "type modifier is not allowed for type \"" + name_of(type) + "\"");
  }
}

}  // namespace

Result<Type> resolve_type_name(const PgQuery__TypeName& type) {
  const std::vector<std::string> names = grammar::names_of(GRAMMAR_LIST(type, names));
  const std::string word = names.empty() ? "" : names.back();
  if (type.setof) return not_supported("SETOF");
  if (type.pct_type) return not_supported("%TYPE");
  const bool builtin = names.size() == 1 || (names.size() == 2 && names[0] == "pg_catalog");
  std::optional<TypeId> id = builtin ? data::type_by_name(word) : std::nullopt;
  const bool underscored = builtin && !id && word.starts_with('_');
  if (underscored) id = data::type_by_name(word.substr(1));
  if (!id || *id == unknown || *id == void_) {
    const bool known = builtin && std::ranges::find(kMissingTypes, word) != std::end(kMissingTypes);
    if (known || word.starts_with('_')) return not_supported("type " + word);
    return sql_error("42704",
                     "type \"" + grammar::dotted(GRAMMAR_LIST(type, names)) + "\" does not exist");
  }
  std::vector<int> given;
  for (const grammar::Node* node : GRAMMAR_LIST(type, typmods)) {
    const std::optional<int> value = modifier(node);
    if (!value) return sql_error("42601", "type modifiers must be simple constants or identifiers");
    given.push_back(*value);
  }
  std::int32_t typmod = -1;
  if (!given.empty()) {
    SPAR_ASSIGN(typmod, typmod_of(*id, given));
  }
  if (type.n_array_bounds == 0 && !underscored) return Type{*id, typmod};
  const TypeId array = data::array_of(*id);
  if (array == none) return not_supported("an array of " + name_of(*id));
  return Type{array, typmod};
}

}  // namespace spar::query::bind
