#include "coordination/local/file_store.h"

#include <mutex>

#include "base/log.h"
#include "control/limits.h"

namespace spar::coordination {
namespace {

class FileStore : public RecordStore {
 public:
  FileStore(storage::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  Result<std::optional<control::Record>> read() override {
    std::lock_guard lock(mutex_);
    return read_durably();
  }

  Cas compare_and_set(std::uint64_t expected_version, const control::Record& record) override {
    std::lock_guard lock(mutex_);
    auto stored = read_durably();
    if (!stored) {
      log_error("coordination", stored.error().message);
      return Cas::unknown;
    }
    std::uint64_t version = *stored ? (*stored)->version : 0;
    if (version != expected_version) return Cas::lost;
    control::Record next = record;
    next.version = expected_version + 1;
    auto text = control::encode(next);
    if (!text) {
      log_error("coordination", "refused to store a record: " + text.error().message);
      return Cas::lost;
    }
    // Whether a write that failed midway left the new file in place only a read can tell.
    if (auto written = write(*text); !written) {
      log_error("coordination", written.error().message);
      return Cas::unknown;
    }
    return Cas::ok;
  }

 private:
  Result<void> write(const std::string& text) {
    durable_ = false;
    SPAR_TRY(storage::write_file_atomically(disk_, path_, text));
    durable_ = true;
    return {};
  }

  // What a failed write, or a process that died in one, left behind may be gone after a power cut.
  // Nobody may act on it before it was written once more.
  Result<std::optional<control::Record>> read_durably() {
    if (!disk_.exists(path_)) return std::optional<control::Record>();
    SPAR_ASSIGN(std::string text, storage::read_file(disk_, path_, control::kRecordBytesMax));
    SPAR_ASSIGN(control::Record record, control::decode(text));
    if (!durable_) SPAR_TRY(write(text));
    return std::optional(std::move(record));
  }

  storage::Disk& disk_;
  std::string path_;
  std::mutex mutex_;
  bool durable_ = false;  // what the file says is known to be on the disk
};

}  // namespace

std::unique_ptr<RecordStore> open_file_store(storage::Disk& disk, std::string path) {
  return std::make_unique<FileStore>(disk, std::move(path));
}

}  // namespace spar::coordination
