// query/bind/dependents.h: what goes, and what hinders it, when objects are dropped.
//
// Contract    One Removal a statement: doom() names what is to go, changes() gives the changes, or
//             2BP01 when others depend on it and CASCADE was not said. What belongs to a doomed
//             object (the sequence of a serial column) goes without a word.
#pragma once

#include <optional>

#include "query/bind/binding.h"

namespace spar::query::bind {

class Removal {
 public:
  explicit Removal(Binding& binding) : binding_(binding) {}

  void doom(const data::Table& table);
  void doom(const data::Schema& schema);
  bool has(ObjectId id) const;
  bool empty() const { return doomed_.empty() && schemas_.empty(); }

  // `what` names a single object for the message: "table t".
  Result<void> finish(bool cascade, SchemaChange& change);

 private:
  // What is removed from a table that stays.
  struct Loss {
    const data::Table* table;
    std::string constraint;         // or
    data::ColumnNumber column = 0;  // whose default goes
  };
  void look_at(const data::Table& table);
  void fall(const data::Table& table, std::string because);
  Result<void> check_internal(const data::Table& sequence) const;
  data::Table& changed(const data::Table& table);
  std::string described(const data::Table& table) const;

  Binding& binding_;
  std::vector<const data::Table*> named_, doomed_;  // doomed_ grows while it is looked through
  std::vector<const data::Schema*> schemas_;
  std::vector<Loss> losses_;
  std::vector<std::string> cascades_;  // "view v"
  std::vector<std::string> reasons_;   // "view v depends on table t"
  std::vector<data::Table> changed_;
};

// "table t", with its schema where the search path does not show it.
std::string described_object(const Binding& binding, const data::Table& table);
std::string shown_name(const Binding& binding, const data::Table& table);

}  // namespace spar::query::bind
