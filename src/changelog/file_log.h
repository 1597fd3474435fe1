// changelog/file_log.h: the Log on a directory of segment files.
//
// Threads     Locks are taken in the order writing_, syncing_, reading_, state_. append() and
//             sync() may run at the same time on two threads; sync() then covers what was appended
//             before it began.
// Invariants  L1 A segment has its name only when its predecessor is durable to the last record, so
//                that only the last segment can have a torn tail.
//             L2 A segment's header is durable before the segment has its name.
//             L3 Behind the last record of the last segment there are zeros.
//             L4 Segments are removed one by one, each removal durable before the next, so that no
//                power cut leaves a gap.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "changelog/log.h"
#include "changelog/segment.h"
#include "changelog/spare.h"

namespace spar::changelog {

struct Segment {
  std::string path;
  SegmentHeader header;
  std::uint64_t capacity = 0;           // of the file
  Place end;                            // behind the last record
  std::vector<Place> index;             // a place every kIndexStepBytes, the first record's first
  std::shared_ptr<storage::File> file;  // of the last segment only

  Place start() const { return {header.base, kHeaderBytes, header.seed}; }
  bool empty() const { return end.offset == kHeaderBytes; }
  void advance(const Place& place);  // a record ends at `place`
  void cut(const Place& place);
};

class FileLog : public Log {
 public:
  FileLog(storage::Disk& disk, const std::string& directory, const LogOptions& options);

  Result<void> load(Position base);

  Position base() const override;
  Position end() const override;
  Position durable() const override;
  Result<void> append(std::span<const SharedRecord> records) override;
  Result<void> sync() override;
  Result<std::vector<SharedRecord>> read(Sequence after, std::size_t bytes_max) override;
  Result<void> cut_after(Sequence last) override;
  Result<void> trim_through(Sequence last) override;
  Result<void> restart_at(Position base) override;
  bool intact() override;

 private:
  struct Stretch {  // a part of one segment that read() walks
    std::string path;
    std::shared_ptr<storage::File> file;
    Place from;
    std::uint64_t limit = 0;
  };
  struct LastBlock {  // what append() wrote last, for intact()
    std::uint64_t offset = 0;
    std::size_t size = 0;
    std::uint64_t hash = 0;
  };

  // Loading (load_log.cpp).
  Result<std::vector<Sequence>> find_segments();
  Result<void> load_segment(Sequence first, bool is_last);
  Result<void> clear_tail(Segment& segment);

  // Writing. The caller holds writing_.
  Result<void> check_follows(std::span<const SharedRecord> records) const;
  std::vector<Place> encode(std::span<const SharedRecord> records);
  Result<void> write_batch(const std::vector<Place>& places);
  void publish(Segment& segment, const std::vector<Place>& places);
  Result<void> roll();
  Result<void> create_segment(const SegmentHeader& header);
  Result<void> flush();         // the caller holds syncing_
  Result<void> prepare_next();  // the caller holds syncing_
  Result<void> remove_last_segment();
  Result<void> cut_segment(Segment& segment, Sequence last);

  Result<std::optional<Stretch>> stretch_after(Sequence after);
  Result<bool> read_stretch(const Stretch& stretch, Sequence after, std::size_t& budget,
                            std::vector<SharedRecord>& out);

  // After a failed write or sync: every later call fails with this first error.
  Failure die(Error error);
  Result<void> check_alive() const;
  template <class T>
  Result<void> fatal(Result<T> result);

  storage::Disk& disk_;
  const std::string directory_;
  const std::uint64_t segment_bytes_;

  std::mutex writing_;
  Bytes batch_;

  std::mutex syncing_;
  Spare spare_;

  std::shared_mutex reading_;  // shared: bytes of records stay where they are

  mutable std::mutex state_;
  std::vector<std::unique_ptr<Segment>> segments_;  // never empty once loaded
  Position durable_;
  bool name_unsynced_ = false;  // the last segment's name is not durable yet
  LastBlock last_block_;
  std::optional<Error> dead_;
};

}  // namespace spar::changelog
