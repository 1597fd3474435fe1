// gateway/settings.h: the parameters of one session and what transactions do to them.
//
// Contract    set() checks a value and keeps it; a transaction that rolls back takes its SETs back,
//             and the end of any transaction takes SET LOCAL back. RESET goes to what the start-up
//             packet said. Parameters of two-part names that nobody knows are custom ones: any
//             text. What the backend owns (spar.position, transaction_*) the session answers.
// Errors      42704 unknown, 22023 bad value, 55P02 cannot be changed, 0A000.
// Threads     Value type; no synchronisation.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/limits.h"
#include "gateway/setting_table.h"

namespace spar::gateway {

class Settings {
 public:
  Settings(const std::string& user, const Limits& limits);

  // From the start-up packet: becomes what RESET goes back to. A time zone that Spar does not know
  // becomes UTC, and `warning` says so: JDBC always sends the client's.
  Result<void> set_default(std::string_view name, std::string_view value, std::string& warning);

  // Nothing: back to the default.
  Result<void> set(std::string_view name, std::optional<std::string_view> value, bool local);
  void reset_all();
  Result<std::string> show(std::string_view name) const;
  // The spelling that heads a column of SHOW.
  static std::string canonical_name(std::string_view name);

  // Of a known parameter.
  const std::string& get(std::string_view name) const;

  void commit();
  void rollback();
  void savepoint(const std::string& name);
  void release(const std::string& name);
  void rollback_to(const std::string& name);

  // Grows with every change of a value; of one that changes what statements mean.
  std::uint64_t changes() const { return changes_; }
  std::uint64_t meaning_changes() const { return meaning_changes_; }

  // Reported parameters whose value differs from the one reported last; all the first time.
  template <class Report>
  void report(Report&& tell) {
    if (reported_at_ == changes_ && !reported_.empty()) return;
    reported_at_ = changes_;
    const auto definitions = setting_definitions();
    reported_.resize(definitions.size());
    for (std::size_t i = 0; i < definitions.size(); ++i) {
      if (!definitions[i].reported || reported_[i] == current(known_[i])) continue;
      reported_[i] = current(known_[i]);
      tell(definitions[i].name, *reported_[i]);
    }
  }

 private:
  struct Value {
    std::string initial;
    std::optional<std::string> session;
    std::optional<std::string> local;
  };
  struct Undo {
    std::string name;
    std::optional<std::string> session;
    std::optional<std::string> local;
  };
  static const std::string& current(const Value& value);
  Value* find(std::string_view name);
  Result<Value*> find_or_make(std::string_view name);
  Result<std::string> checked(std::string_view name, std::string_view value) const;
  void change(std::string_view name, Value& value, std::optional<std::string> text, bool local);
  void undo_to(std::size_t size);
  void changed(std::string_view name);
  std::size_t mark_of(const std::string& name);

  Limits limits_;
  std::string user_;
  std::vector<Value> known_;  // as setting_definitions()
  std::map<std::string, Value, std::less<>> custom_;
  std::vector<Undo> undo_;
  std::vector<std::string> with_local_;  // names that SET LOCAL has touched
  std::vector<std::pair<std::string, std::size_t>> savepoints_;
  std::uint64_t changes_ = 1;
  std::uint64_t meaning_changes_ = 1;
  std::vector<std::optional<std::string>> reported_;
  std::uint64_t reported_at_ = 0;
};

}  // namespace spar::gateway
