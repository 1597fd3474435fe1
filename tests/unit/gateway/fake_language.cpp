#include "tests/unit/gateway/fake_language.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "query/parse/tree.h"

namespace spar::gateway::test {
namespace {

using data::Type;
using data::TypeId;
using query::Statement;

constexpr Type kInt{.id = TypeId::int4};
constexpr Type kText{.id = TypeId::text};

query::ParsedStatement parsed(std::string_view text) {
  auto source = std::make_shared<query::grammar::Source>();
  source->text = std::string(text);
  return query::ParsedStatement(std::make_shared<query::ParsedStatement::Tree>(
      query::ParsedStatement::Tree{std::move(source), nullptr}));
}

Result<std::vector<query::ParsedStatement>> parse(std::string_view sql, const query::ParseLimits&) {
  std::vector<query::ParsedStatement> out;
  if (sql.find("what?") != std::string_view::npos) {
    return sql_error("42601", "syntax error at or near \"what\"", 1);
  }
  while (!sql.empty()) {
    std::size_t end = std::min(sql.find(';'), sql.size());
    std::string_view one = sql.substr(0, end);
    while (one.starts_with(' ') || one.starts_with('\n')) one.remove_prefix(1);
    if (!one.empty()) out.push_back(parsed(one));
    sql.remove_prefix(std::min(end + 1, sql.size()));
  }
  return out;
}

query::Plan plan(std::string sql, query::PlanKind kind, bool rows) {
  query::Plan out;
  out.kind = kind;
  out.sql = std::move(sql);
  if (rows) out.output = {{"id", kInt, ObjectId(16385), 1}, {"name", kText, ObjectId(16385), 2}};
  return out;
}

Statement statement(std::string tag, query::Body body) {
  return {.tag = std::move(tag), .body = std::move(body), .parameters = {}};
}

query::CopyFormat copy_format(const std::vector<std::string>& words) {
  query::CopyFormat format;
  if (std::ranges::find(words, "csv") != words.end()) {
    format.csv = true;
    format.delimiter = ',';
    format.null_text = "";
  }
  format.header = std::ranges::find(words, "header") != words.end();
  return format;
}

Statement copy_statement(const std::vector<std::string>& words, const data::Catalogue& catalogue) {
  if (words[1] == "out") {
    return statement(
        "COPY", query::CopyOut{plan("rows 3", query::PlanKind::select, true), copy_format(words)});
  }
  query::CopyIn in;
  for (const auto& [id, table] : catalogue.tables()) in.table = id;
  in.types = {kInt, kText};
  in.column_names = {"a", "b"};
  in.insert = plan("insert 0", query::PlanKind::insert, false);
  in.format = copy_format(words);
  return statement("COPY", std::move(in));
}

Statement value_statement(const std::string& text) {
  Statement out = statement("SELECT", plan(text, query::PlanKind::select, true));
  out.parameters = {kInt};
  if (text.find("$2") != std::string::npos) out.parameters.push_back(kText);
  std::get<query::Plan>(out.body).output.resize(out.parameters.size());
  return out;
}

std::optional<Statement> control(const std::vector<std::string>& words) {
  const std::string& first = words[0];
  if (first == "begin") return statement("BEGIN", query::Begin{});
  if (first == "commit") return statement("COMMIT", query::Commit{});
  if (first == "rollback" && words.size() == 3) {
    return statement("ROLLBACK", query::RollbackToSavepoint{words[2]});
  }
  if (first == "rollback") return statement("ROLLBACK", query::Rollback{});
  if (first == "savepoint") return statement("SAVEPOINT", query::Savepoint{words[1]});
  if (first == "release") return statement("RELEASE", query::ReleaseSavepoint{words[1]});
  if (first == "set" && words[1] == "local") {
    return statement("SET", query::SetParameter{words[2], words[3], true});
  }
  if (first == "set") return statement("SET", query::SetParameter{words[1], words[2], false});
  if (first == "reset") {
    return statement("RESET", query::SetParameter{words[1], std::nullopt, false});
  }
  if (first == "show") return statement("SHOW", query::ShowParameter{words[1]});
  if (first == "discard") return statement("DISCARD ALL", query::DiscardAll{});
  if (first == "vacuum") return statement("VACUUM", query::NoOperation{});
  if (first == "deallocate") {
    return statement("DEALLOCATE", query::Deallocate{words[1] == "all" ? "" : words[1]});
  }
  return std::nullopt;
}

Statement prepared(const std::string& text, const std::vector<std::string>& words) {
  if (words[0] == "execute") {
    query::ExecuteStatement execute{.name = words[1], .arguments = {}};
    for (std::size_t i = 2; i < words.size(); ++i) {
      execute.arguments.emplace_back(words[i], Type{.id = TypeId::unknown});
    }
    return statement("EXECUTE", std::move(execute));
  }
  std::string rest = text.substr(std::min(text.size(), words[0].size() + words[1].size() + 2));
  return statement("PREPARE",
                   query::PrepareStatement{
                       words[1], {}, std::make_shared<query::ParsedStatement>(parsed(rest))});
}

bool takes_a_name(std::string_view word) {
  return word == "savepoint" || word == "release" || word == "set" || word == "reset" ||
         word == "show" || word == "deallocate" || word == "copy" || word == "prepare" ||
         word == "execute" || word == "create";
}

Result<Statement> meaning(const std::string& text, const data::Catalogue& catalogue) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  if (words.empty() || (takes_a_name(words[0]) && words.size() < 2)) {
    return sql_error("42601", "syntax error at end of input");
  }
  if (words[0] == "set" && words.size() < (words[1] == "local" ? 4u : 3u)) {
    return sql_error("42601", "syntax error at end of input");
  }
  if (auto found = control(words)) return *found;
  const std::string& first = words[0];
  using enum query::PlanKind;
  if (first == "rows" || first == "slow") return statement("SELECT", plan(text, select, true));
  if (first == "value") return value_statement(text);
  if (first == "insert") return statement("INSERT", plan(text, insert, words.size() > 2));
  if (first == "broken" || first == "badfinish") {
    return statement("UPDATE", plan(text, update, false));
  }
  if (first == "copy") return copy_statement(words, catalogue);
  if (first == "COPY") return copy_statement({"copy", "in"}, catalogue);  // psql's \\copy t from
  if (first == "prepare" || first == "execute") return prepared(text, words);
  if (first == "create") {
    query::SchemaChange change;
    change.notices = {"relation \"" + words[1] + "\" already exists, skipping"};
    change.own_transaction = words[1] == "database";
    return statement("CREATE " + std::string(change.own_transaction ? "DATABASE" : "TABLE"),
                     std::move(change));
  }
  if (first == "moving") {  // another column with every version of the catalogue
    query::Plan changing = plan("rows 1", select, true);
    changing.output[0].name = "v" + std::to_string(catalogue.version());
    return statement("SELECT", std::move(changing));
  }
  return sql_error("42P01", "relation \"" + words[0] + "\" does not exist", 8);
}

Result<std::shared_ptr<const Statement>> analyze(const query::ParsedStatement& source,
                                                 const data::Catalogue& catalogue,
                                                 const query::AnalyzeContext&) {
  SPAR_ASSIGN(Statement out, meaning(source.tree().source->text, catalogue));
  out.catalogue_version = catalogue.version();
  return std::make_shared<const Statement>(std::move(out));
}

}  // namespace

Language fake_language() {
  return {.parse = parse, .analyze = analyze};
}

}  // namespace spar::gateway::test
