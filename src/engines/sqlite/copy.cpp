#include "engines/sqlite/copy.h"

#include <sqlite3.h>

#include "base/log.h"
#include "engines/sqlite/apply.h"
#include "engines/sqlite/cut_back.h"
#include "engines/sqlite/sessions.h"
#include "engines/sqlite/store.h"
#include "engines/sqlite/vfs.h"

namespace spar::engines::sqlite {
namespace {

constexpr std::size_t kPagesInspected = 8;  // of the main file at each look, beside the first

class EmbeddedCopy : public Copy {
 public:
  EmbeddedCopy(storage::Disk& disk, OpenOptions options)
      : disk_(disk), options_(std::move(options)), path_(options_.directory + "/" + kDataFile) {}

  ~EmbeddedCopy() override {
    fence();
    applier_.reset();
    pool_.reset();
    writer_.reset();
    maintenance_.reset();
  }

  Result<void> open() {
    SPAR_TRY(disk_.make_directory(options_.directory));
    SPAR_TRY(open_at_or_before(options_.log_end));
    SPAR_TRY(load());
    pool_ = std::make_unique<ReaderPool>(Connection::Options{path_, vfs_->name(), false, false});
    applier_ = std::make_unique<Applier>(*writer_, state_);
    return {};
  }

  const Capabilities& capabilities() const override { return capabilities_; }
  Position applied() const override { return state_.shown.get(); }
  std::shared_ptr<const data::Catalogue> catalogue() const override {
    return state_.catalogue.load();
  }
  Contents contents() const override {
    std::lock_guard lock(state_.contents_mutex);
    return state_.contents;
  }

  Result<std::unique_ptr<ReadSession>> open_read() override {
    if (state_.fenced.load()) return Failure(copy_lost());
    SPAR_ASSIGN(std::unique_ptr<Connection> connection, pool_->take());
    return make_read_session(state_, *pool_, std::move(connection));
  }

  Result<std::unique_ptr<WriteSession>> open_write(Epoch epoch) override {
    if (state_.fenced.load() || epoch != epoch_ || !primary_) return Failure(copy_lost());
    return make_write_session(state_, *writer_, [] {});
  }

  Result<void> promote(Epoch epoch) override {
    SPAR_TRY(set_role(true));
    epoch_ = epoch;
    return {};
  }
  Result<void> follow(Epoch epoch) override {
    SPAR_TRY(set_role(false));
    epoch_ = epoch;
    return {};
  }

  void fence() override {
    state_.fenced.store(true);
    if (writer_) writer_->interrupt();
    if (pool_) pool_->interrupt_all();
  }

  Result<void> apply(std::span<const changelog::SharedRecord> records) override {
    if (state_.fenced.load()) return Failure(copy_lost());
    return applier_->apply(records);
  }

  Result<std::pair<Position, Contents>> scan() override;
  Result<Position> snapshot_into(const std::string& directory) override;
  Result<std::optional<Position>> checkpoint(
      const std::function<bool(Position)>& wait_durable) override;
  Result<void> inspect() override {
    if (state_.fenced.load()) return Failure(copy_lost());
    return vfs_->inspect(kPagesInspected);
  }

 private:
  Result<void> open_writer() {
    vfs_ = std::make_unique<Vfs>(disk_, options_.on_fault);
    SPAR_ASSIGN(writer_, Connection::open({path_, vfs_->name(), true, false}));
    return make_store(*writer_);
  }
  void close_writer() {
    writer_.reset();
    vfs_.reset();
  }
  Result<std::optional<Position>> main_position();
  Result<void> verify_cut();
  Result<void> cut_back_to(const Position& log_end);
  Result<void> open_at_or_before(const Position& log_end);
  Result<void> load();
  Result<void> set_role(bool primary);

  storage::Disk& disk_;
  OpenOptions options_;
  std::string path_;
  Capabilities capabilities_;
  std::unique_ptr<Vfs> vfs_;
  mutable CopyState state_;
  std::unique_ptr<Connection> writer_;
  std::unique_ptr<Connection> maintenance_;
  std::unique_ptr<ReaderPool> pool_;
  std::unique_ptr<Applier> applier_;
  std::atomic<bool> primary_{false};
  std::atomic<Epoch> epoch_{};
};

// What the main file alone says. Nothing when it cannot be read without its write-ahead log: a
// power cut in the middle of a checkpoint legally leaves it so.
Result<std::optional<Position>> EmbeddedCopy::main_position() {
  const std::string wal = path_ + "-wal", aside = wal + ".aside";
  SPAR_TRY(disk_.rename(wal, aside));
  std::optional<Position> position;
  if (open_writer()) {
    if (Result<Position> read = read_position(*writer_)) position = *read;
  }
  close_writer();
  SPAR_TRY(disk_.rename(aside, wal));
  return position;
}

// Of every table, as its rows say.
Result<Contents> scan_contents(Connection& connection) {
  SPAR_ASSIGN(std::shared_ptr<const data::Catalogue> catalogue, read_catalogue(connection));
  Contents contents;
  for (const auto& [id, table] : catalogue->tables()) {
    if (table.view && !table.view->materialized) continue;  // in the catalogue only
    SPAR_ASSIGN(contents[id], scan_content(connection, table));
  }
  return contents;
}

// After a cut: had the main file held more than the log, rows and indexes would not fit together.
Result<void> EmbeddedCopy::verify_cut() {
  SPAR_ASSIGN(StatementUse check, writer_->prepare("PRAGMA integrity_check(1)"));
  SPAR_ASSIGN(bool row, check.step());
  if (!row || check.bytes(0) != "ok") return failure(Code::corrupt, "the pages do not fit");
  SPAR_ASSIGN(Contents carried, read_contents(*writer_));
  SPAR_ASSIGN(const Contents scanned, scan_contents(*writer_));
  for (const auto& [table, hash] : scanned) {
    if (hash != carried[table]) return failure(Code::corrupt, "the rows do not fit their hash");
  }
  return {};
}

Result<void> EmbeddedCopy::open_at_or_before(const Position& log_end) {
  const std::string wal = path_ + "-wal";
  if (disk_.exists(wal + ".aside")) SPAR_TRY(disk_.rename(wal + ".aside", wal));
  SPAR_TRY(open_writer());
  SPAR_ASSIGN(Position position, read_position(*writer_));
  if (position.sequence <= log_end.sequence) return {};
  close_writer();
  log_warning("engines", options_.directory + " holds " + to_string(position) +
                             " but its change log ends at " + to_string(log_end) +
                             "; cutting the file back");
  Result<void> cut = cut_back_to(log_end);
  if (cut || cut.error().code == Code::io) return cut;
  return failure(Code::corrupt,
                 options_.directory + " holds " + to_string(position) +
                     ", more than its change log, and cannot be cut back: " + cut.error().message);
}

Result<void> EmbeddedCopy::cut_back_to(const Position& log_end) {
  const std::string wal = path_ + "-wal";
  const Failure ahead = failure(Code::corrupt, "the main file has it already");
  if (!disk_.exists(wal)) return ahead;
  SPAR_ASSIGN(std::optional<Position> settled, main_position());
  if (settled && settled->sequence > log_end.sequence) return ahead;
  SPAR_ASSIGN(std::vector<std::uint64_t> ends, commit_ends(disk_, wal));
  while (!ends.empty()) {
    SPAR_TRY(shorten(disk_, wal, ends.back()));
    ends.pop_back();
    SPAR_TRY(open_writer());
    SPAR_ASSIGN(Position position, read_position(*writer_));
    if (position.sequence <= log_end.sequence) return verify_cut();
    close_writer();
  }
  return ahead;
}

Result<void> EmbeddedCopy::load() {
  SPAR_ASSIGN(Position position, read_position(*writer_));
  SPAR_ASSIGN(std::shared_ptr<const data::Catalogue> catalogue, read_catalogue(*writer_));
  SPAR_ASSIGN(state_.contents, read_contents(*writer_));
  state_.catalogue.store(std::move(catalogue));
  state_.bound.set(position);
  state_.shown.set(position);
  return {};
}

// A follower applies what the primary has already checked, so it checks neither keys nor CHECKs.
Result<void> EmbeddedCopy::set_role(bool primary) {
  if (state_.fenced.load()) return Failure(copy_lost());
  SPAR_TRY(writer_->run(primary ? "PRAGMA foreign_keys=ON; PRAGMA ignore_check_constraints=OFF"
                                : "PRAGMA foreign_keys=OFF; PRAGMA ignore_check_constraints=ON"));
  writer_->forget_statements();
  primary_ = primary;
  return {};
}

Result<std::pair<Position, Contents>> EmbeddedCopy::scan() {
  SPAR_ASSIGN(std::unique_ptr<Connection> connection, pool_->take());
  Result<std::pair<Position, Contents>> result = [&]() -> Result<std::pair<Position, Contents>> {
    SPAR_TRY(connection->run("BEGIN"));
    SPAR_ASSIGN(Position position, read_position(*connection));
    SPAR_ASSIGN(Contents contents, scan_contents(*connection));
    return std::pair(position, std::move(contents));
  }();
  (void)connection->run("ROLLBACK");
  pool_->give(std::move(connection));
  return result;
}

Result<void> copy_pages(Connection& from, Connection& to) {
  sqlite3_backup* backup = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
  if (backup == nullptr) return Failure(error_of(to.raw(), sqlite3_extended_errcode(to.raw())));
  int code = sqlite3_backup_step(backup, -1);
  int finished = sqlite3_backup_finish(backup);
  if (code != SQLITE_DONE) return Failure(error_of(nullptr, code));
  if (finished != SQLITE_OK) return Failure(error_of(nullptr, finished));
  return {};
}

Result<Position> EmbeddedCopy::snapshot_into(const std::string& directory) {
  SPAR_TRY(disk_.make_directory(directory));
  std::string target = directory + "/" + kDataFile;
  Vfs vfs(disk_, [](const Error&) {});
  SPAR_ASSIGN(std::unique_ptr<Connection> from, pool_->take());
  Result<Position> result = [&]() -> Result<Position> {
    SPAR_TRY(from->run("BEGIN"));
    SPAR_ASSIGN(Position position, read_position(*from));
    SPAR_ASSIGN(auto to, Connection::open({target, vfs.name(), true, false}));
    SPAR_TRY(copy_pages(*from, *to));
    SPAR_TRY(to->run("PRAGMA wal_checkpoint(TRUNCATE)"));
    return position;
  }();
  (void)from->run("ROLLBACK");
  pool_->give(std::move(from));
  if (!result) return result;
  SPAR_ASSIGN(auto file, disk_.open(target, storage::OpenMode::read_write));
  SPAR_TRY(file->sync());
  SPAR_TRY(disk_.sync_directory(directory));
  return result;
}

// A reader that stands at a durable position keeps SQLite's checkpoint from moving anything newer.
Result<std::optional<Position>> EmbeddedCopy::checkpoint(
    const std::function<bool(Position)>& wait_durable) {
  if (state_.fenced.load()) return Failure(copy_lost());
  if (!maintenance_) {
    SPAR_ASSIGN(maintenance_, Connection::open({path_, vfs_->name(), true, false}));
  }
  SPAR_ASSIGN(std::unique_ptr<Connection> pin, pool_->take());
  auto result = [&]() -> Result<std::optional<Position>> {
    SPAR_TRY(pin->run("BEGIN"));
    SPAR_ASSIGN(Position position, read_position(*pin));
    if (!wait_durable(position)) return std::nullopt;
    int in_log = 0, moved = 0;
    int code = sqlite3_wal_checkpoint_v2(maintenance_->raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                         &in_log, &moved);
    if (is_copy_failure(code)) return Failure(error_of(maintenance_->raw(), code));
    if (code != SQLITE_OK || moved < in_log) return std::nullopt;
    return position;
  }();
  (void)pin->run("ROLLBACK");
  pool_->give(std::move(pin));
  return result;
}

}  // namespace

Result<std::unique_ptr<Copy>> open_copy(storage::Disk& disk, OpenOptions options) {
  auto copy = std::make_unique<EmbeddedCopy>(disk, std::move(options));
  SPAR_TRY(copy->open());
  return copy;
}

}  // namespace spar::engines::sqlite
