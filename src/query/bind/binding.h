// query/bind/binding.h: what binding one statement knows and gathers.
//
// Contract    One for each analyze(); every binder of the room works on it. Holds references to the
//             catalogue and the context: it does not outlive the call.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "query/algebra/arena.h"
#include "query/bind/types.h"
#include "query/statement.h"

namespace spar::query::bind {

// PostgreSQL's MaxTupleAttributeNumber and its like.
inline constexpr std::size_t kTargetsMax = 1664;
inline constexpr int kParametersMax = 65535;

class Binding {
 public:
  Binding(const data::Catalogue& catalogue, const AnalyzeContext& context,
          std::shared_ptr<const grammar::Source> source)
      : catalogue_(catalogue),
        context_(context),
        source_(std::move(source)),
        parameters_(context.parameter_types) {}

  const data::Catalogue& catalogue() const { return catalogue_; }
  const AnalyzeContext& context() const { return context_; }
  const std::shared_ptr<const grammar::Source>& source() const { return source_; }
  algebra::Arena& arena() { return arena_; }

  // Expressions kept in the catalogue (defaults, checks) have texts of their own: their locations
  // mean nothing to the client.
  void without_positions(bool off) { positions_off_ = off; }
  int position(int location) const {
    return positions_off_ ? 0 : grammar::position(*source_, location);
  }
  Failure error(std::string_view sqlstate, std::string message, int location) const {
    return sql_error(sqlstate, std::move(message), position(location));
  }
  Failure missing(std::string_view feature, int location) const {
    return not_supported(feature, position(location));
  }

  // The same result, a failure without a position now at `location`. Positions are only looked up
  // for errors: counting the characters before each name of a long statement would cost its square.
  template <class T>
  Result<T> located(Result<T> result, int location) const {
    if (!result && result.error().position == 0) result.error().position = position(location);
    return result;
  }

  // A table by its possibly qualified name; 42P01 when there is none.
  Result<const data::Table*> table(const PgQuery__RangeVar& name);
  // The same for statements that are no queries: PostgreSQL gives no position there.
  Result<const data::Table*> named_table(const PgQuery__RangeVar& name);
  // The same without an error for a table that is not there.
  Result<const data::Table*> find_table(const PgQuery__RangeVar& name) const;
  // By its name in parts ("schema", "name"); 3F000 for a schema that is not there.
  Result<const data::Table*> find_table(const std::vector<std::string>& names) const;
  // Where a new table of that name would live; 3F000.
  Result<std::string> schema_for(const PgQuery__RangeVar& name) const;
  // The first of the search path that exists.
  std::optional<std::string> current_schema() const;
  void uses(ObjectId table);
  const std::vector<ObjectId>& tables() const { return tables_; }
  // Those that the statement itself names, views among them, without what the views read.
  const std::vector<ObjectId>& direct_tables() const { return direct_; }
  const std::vector<std::string>& search_path() const {
    return view_path_ != nullptr ? *view_path_ : context_.search_path;
  }

  // While it lives, the query of a view is bound: names mean what they meant to the view, and
  // locations nothing.
  class InView {
   public:
    InView(Binding& binding, const std::vector<std::string>& path)
        : binding_(binding),
          path_(std::exchange(binding.view_path_, &path)),
          positions_off_(std::exchange(binding.positions_off_, true)) {
      ++binding_.view_depth_;
    }
    ~InView() {
      --binding_.view_depth_;
      binding_.view_path_ = path_;
      binding_.positions_off_ = positions_off_;
    }
    InView(const InView&) = delete;
    InView& operator=(const InView&) = delete;
    int depth() const { return binding_.view_depth_; }

   private:
    Binding& binding_;
    const std::vector<std::string>* path_;
    bool positions_off_;
  };

  std::uint32_t next_block() { return ++blocks_; }

  // FOR UPDATE or SHARE, anywhere in the statement.
  void lock_rows() { locks_rows_ = true; }
  bool locks_rows() const { return locks_rows_; }

  // nextval() or setval(), anywhere in the statement.
  void count_on() { counts_on_ = true; }
  bool counts_on() const { return counts_on_; }

  Result<data::Type> parameter_type(int number, int location);
  Result<void> decide_parameter(int number, TypeId type, int location);
  // 42P18 for a parameter that nothing gave a type.
  Result<std::vector<data::Type>> parameters() const;

 private:
  const data::Catalogue& catalogue_;
  const AnalyzeContext& context_;
  std::shared_ptr<const grammar::Source> source_;
  algebra::Arena arena_;
  std::vector<data::Type> parameters_;
  std::vector<ObjectId> tables_, direct_;
  const std::vector<std::string>* view_path_ = nullptr;
  int view_depth_ = 0;
  std::uint32_t blocks_ = 0;
  bool positions_off_ = false;
  bool locks_rows_ = false;
  bool counts_on_ = false;
};

}  // namespace spar::query::bind
