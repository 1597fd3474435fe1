#include "engines/postgres/node_tree.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace spar::engines::postgres {
namespace {

// Versions 12 to 17. Some were renamed in 16: CASE and CASEEXPR, RTE and RANGETBLENTRY.
constexpr std::array<std::string_view, 62> kReviewed = {"AGGREF",
                                                        "ALIAS",
                                                        "ARRAY",
                                                        "ARRAYCOERCEEXPR",
                                                        "ARRAYEXPR",
                                                        "BOOLEANTEST",
                                                        "BOOLEXPR",
                                                        "CASE",
                                                        "CASEEXPR",
                                                        "CASETESTEXPR",
                                                        "CASEWHEN",
                                                        "COALESCE",
                                                        "COALESCEEXPR",
                                                        "COERCETODOMAIN",
                                                        "COERCETODOMAINVALUE",
                                                        "COERCEVIAIO",
                                                        "COLLATE",
                                                        "COLLATEEXPR",
                                                        "COMMONTABLEEXPR",
                                                        "CONST",
                                                        "CONVERTROWTYPEEXPR",
                                                        "CTECYCLECLAUSE",
                                                        "CTESEARCHCLAUSE",
                                                        "DISTINCTEXPR",
                                                        "FIELDSELECT",
                                                        "FROMEXPR",
                                                        "FUNCEXPR",
                                                        "GROUPINGFUNC",
                                                        "GROUPINGSET",
                                                        "JOINEXPR",
                                                        "MINMAX",
                                                        "MINMAXEXPR",
                                                        "NAMEDARGEXPR",
                                                        "NULLIFEXPR",
                                                        "NULLTEST",
                                                        "OPEXPR",
                                                        "PARAM",
                                                        "QUERY",
                                                        "RANGETBLENTRY",
                                                        "RANGETBLFUNCTION",
                                                        "RANGETBLREF",
                                                        "RELABELTYPE",
                                                        "ROW",
                                                        "ROWCOMPARE",
                                                        "ROWCOMPAREEXPR",
                                                        "ROWEXPR",
                                                        "RTE",
                                                        "RTEPERMISSIONINFO",
                                                        "SCALARARRAYOPEXPR",
                                                        "SETOPERATIONSTMT",
                                                        "SETTODEFAULT",
                                                        "SORTGROUPCLAUSE",
                                                        "SQLVALUEFUNCTION",
                                                        "SUBLINK",
                                                        "SUBSCRIPTINGREF",
                                                        "TABLEFUNC",
                                                        "TABLESAMPLECLAUSE",
                                                        "TARGETENTRY",
                                                        "VAR",
                                                        "WHEN",
                                                        "WINDOWCLAUSE",
                                                        "WINDOWFUNC"};
static_assert(std::ranges::is_sorted(kReviewed));

using List = std::vector<Oid> TreeUse::*;
struct Label {
  std::string_view name;
  List list;
};
// The number of an operator's function is not stored reliably; the operator's is. The types are
// those that a value is turned into: through text, or with a domain's checks.
constexpr std::array<Label, 13> kLabels = {{{"aggfnoid", &TreeUse::functions},
                                            {"cycle_mark_neop", &TreeUse::operators},
                                            {"endInRangeFunc", &TreeUse::functions},
                                            {"eqop", &TreeUse::operators},
                                            {"funcid", &TreeUse::functions},
                                            {"opno", &TreeUse::operators},
                                            {"opnos", &TreeUse::operators},
                                            {"relid", &TreeUse::relations},
                                            {"resulttype", &TreeUse::types},
                                            {"sortop", &TreeUse::operators},
                                            {"startInRangeFunc", &TreeUse::functions},
                                            {"tsmhandler", &TreeUse::functions},
                                            {"winfnoid", &TreeUse::functions}}};

bool is_blank(char c) {
  return c == ' ' || c == '\n' || c == '\t';
}
bool ends_token(char c) {
  return is_blank(c) || c == '(' || c == ')' || c == '{' || c == '}';
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  TreeUse run() {
    bool any = false;
    for (std::string_view token = next(); !token.empty(); token = next()) {
      if (token == "{") any = node() || any;
      if (token.size() > 1 && token[0] == ':') label(token.substr(1));
    }
    if (!any || depth_ != 0) use_.unreviewed = true;
    for (const List list :
         {&TreeUse::functions, &TreeUse::operators, &TreeUse::relations, &TreeUse::types}) {
      std::vector<Oid>& oids = use_.*list;
      std::ranges::sort(oids);
      oids.erase(std::ranges::unique(oids).begin(), oids.end());
    }
    return std::move(use_);
  }

 private:
  // A bracket, or what stands between blanks and brackets; a backslash hides what follows it.
  std::string_view next() {
    while (at_ < text_.size() && is_blank(text_[at_])) ++at_;
    const std::size_t begin = at_;
    if (at_ < text_.size() && ends_token(text_[at_])) {
      depth_ += text_[at_] == '{' ? 1 : 0;
      depth_ -= text_[at_] == '}' ? 1 : 0;
      return text_.substr(at_++, 1);
    }
    while (at_ < text_.size() && !ends_token(text_[at_])) at_ += text_[at_] == '\\' ? 2 : 1;
    at_ = std::min(at_, text_.size());
    return text_.substr(begin, at_ - begin);
  }
  std::string_view peek() {
    const std::size_t at = at_;
    const int depth = depth_;
    const std::string_view token = next();
    at_ = at;
    depth_ = depth;
    return token;
  }

  bool node() {
    if (!std::ranges::binary_search(kReviewed, peek())) use_.unreviewed = true;
    return true;
  }

  void label(std::string_view name) {
    if (name == "commandType" && peek() != "1") use_.unreviewed = true;  // CMD_SELECT
    if (name == "varattno" && peek().starts_with('-')) use_.system_column = true;
    const auto found = std::ranges::lower_bound(kLabels, name, {}, &Label::name);
    if (found != kLabels.end() && found->name == name) numbers(use_.*found->list);
  }
  // One, or (o 1 2 3).
  void numbers(std::vector<Oid>& into) {
    if (peek() != "(") return number(peek(), into);
    next();
    if (next() != "o") use_.unreviewed = true;
    while (!peek().empty() && peek() != ")") number(next(), into);
  }
  void number(std::string_view token, std::vector<Oid>& into) {
    Oid oid;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), oid.value);
    if (error != std::errc() || end != token.data() + token.size()) use_.unreviewed = true;
    if (oid != Oid{}) into.push_back(oid);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
  TreeUse use_;
};

}  // namespace

TreeUse read_node_tree(std::string_view text) {
  return Reader(text).run();
}

}  // namespace spar::engines::postgres
