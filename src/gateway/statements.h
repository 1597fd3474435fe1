// gateway/statements.h: the statements of one session and what they mean now.
//
// Contract    A MeantStatement is a statement as the client sent it together with its newest
//             meaning; meaning() brings it up to the catalogue and the settings of the moment. What
//             Executable::analyze needs it owns. Texts that come again are kept with their meaning,
//             so that neither the grammar nor the analysis runs for them.
// Errors      Those of query/statement.h; 0A000 "cached plan must not change result type" where the
//             client has been told the columns; 42P05, 26000 for names.
// Threads     One thread a session.
#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/backend.h"
#include "gateway/language.h"
#include "gateway/limits.h"
#include "gateway/settings.h"
#include "query/statement.h"

namespace spar::gateway {

using Meaning = std::shared_ptr<const query::Statement>;

// A statement and all that analysing it takes, save for the catalogue.
struct StatementSource {
  query::ParsedStatement parsed;
  query::AnalyzeContext context;
};

struct MeantStatement {
  std::shared_ptr<const StatementSource> source;
  Meaning meaning;               // nothing: not analysed yet
  std::uint64_t generation = 0;  // of the settings that `source` was made with
  bool columns_told = false;     // the client may rely on the columns of `meaning`
};
using SharedStatement = std::shared_ptr<MeantStatement>;

// The columns of a query's result; none for what returns no rows.
std::span<const query::OutputColumn> output_of(const query::Statement& statement);
const query::Plan* plan_of(const query::Statement& statement);
bool same_columns(const query::Statement& a, const query::Statement& b);

class Statements {
 public:
  struct Owner {
    std::string user;
    std::string database;
  };
  struct Parts {
    Backend& backend;
    const Settings& settings;
    Language language;
  };
  Statements(Parts parts, const Limits& limits, Owner owner);

  // All statements of a query string; none for an empty one.
  Result<std::vector<SharedStatement>> of_text(std::string_view text,
                                               std::span<const std::uint32_t> parameter_types);
  SharedStatement make(const query::ParsedStatement& parsed, std::vector<data::Type> parameters);

  Result<Meaning> meaning(MeantStatement& statement);
  // For Executable::analyze: refuses other columns than those of `expected`.
  std::function<Result<Meaning>(const data::Catalogue&)> again(const MeantStatement& statement,
                                                               Meaning expected) const;

  // Meanings may belong to a catalogue that has been rolled back: have all analysed again.
  void forget_meanings() { ++forgotten_; }

  Result<void> prepare(std::string_view name, SharedStatement statement);
  Result<SharedStatement> prepared(std::string_view name) const;
  bool deallocate(std::string_view name) { return erase(name); }
  void deallocate_all() { named_.clear(); }

 private:
  struct Kept {
    std::string key;
    std::vector<SharedStatement> statements;
  };
  std::uint64_t generation() const { return settings_.meaning_changes() + forgotten_; }
  query::AnalyzeContext context(std::vector<data::Type> parameters) const;
  bool erase(std::string_view name);
  bool seen_before(std::string_view key);
  void keep(std::string key, const std::vector<SharedStatement>& statements);

  Backend& backend_;
  const Settings& settings_;
  Language language_;
  Limits limits_;
  Owner owner_;
  std::uint64_t forgotten_ = 0;
  SharedStatement unnamed_;
  std::map<std::string, SharedStatement, std::less<>> named_;
  std::list<Kept> kept_;  // the last used first
  std::unordered_map<std::string_view, std::list<Kept>::iterator> by_key_;
  std::array<std::size_t, 256> seen_{};  // hashes of texts met once
  std::string key_;
};

}  // namespace spar::gateway
