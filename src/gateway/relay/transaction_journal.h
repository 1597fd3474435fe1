// gateway/relay/transaction_journal.h: what a session's transaction has asked and been told, so
// that another server can be asked the same.
//
// Contract    A Step is one message of the client's, as a server must get it, or one of ours that
//             belongs between them (BEGIN, COMMIT, the question for the transaction's id). Steps
//             have numbers that grow; 0 is none. `seen` is what the client was told to it: a
//             message count, and a sum of hashes in which the order of rows has no part.
//             When a push would pass `bytes_max` the journal overflows: it gives up its steps and
//             takes no more until clear().
// Threads     Value type; no synchronisation.
// Not here    Which steps belong to one transaction, when they are sent again (relay_session.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "gateway/relay/fifo.h"
#include "gateway/relay/frames.h"
#include "gateway/relay/statement_book.h"

namespace spar::gateway::relay {

// What a server answers to a message.
enum class Expect : std::uint8_t {
  query,
  parse,
  bind,
  describe_statement,
  describe_portal,
  execute,
  close,
  sync,
  function,
  copy_end,  // no answer: where the client ended COPY data before it was asked for them
  known,     // a Parse that the connection needs not see: we answer it
  internal,  // a query of our own
  nothing,   // none: Flush, COPY data, a Sync that the server ignores
};

// Of the messages of one answer; equal for equal rows in any order.
struct Digest {
  std::uint32_t messages = 0;
  std::uint64_t low = 0, high = 0;
  friend bool operator==(const Digest&, const Digest&) = default;
};

// Adds messages, also those that arrive in parts. Not counted in: where a row comes from
// (RowDescription), and the words of an error beside its SQLSTATE.
class DigestReader {
 public:
  DigestReader();
  ~DigestReader();
  DigestReader(DigestReader&&) noexcept;
  DigestReader& operator=(DigestReader&&) noexcept;

  void add(const Frame& frame);  // counted when it ends
  const Digest& digest() const { return digest_; }
  bool between() const { return !in_part_; }
  void restart() { digest_ = {}; }

 private:
  struct Streaming;
  Digest digest_;
  bool in_part_ = false;
  std::unique_ptr<Streaming> streaming_;  // from the first long row on
};

struct Step {
  Expect what = Expect::nothing;
  bool swallow = false;      // ours: the client hears nothing of its answer
  bool takes_ready = false;  // Owed's
  bool withhold = false;
  bool probe = false;
  bool barrier = false;         // sent when all before it is answered
  bool commits = false;         // may have its effect at once, and nobody can ask whether it had
  bool ends = false;            // COMMIT of the transaction
  bool done = false;            // answered
  std::uint16_t notices = 0;    // that the client got
  std::uint32_t returns = 0;    // the step under which the rows of an INSERT are kept
  StatementPtr statement = {};  // must be on the connection; of a Parse: is what it prepares
  Digest seen = {};
  std::size_t at = 0, size = 0;  // of its message
};

class TransactionJournal {
 public:
  explicit TransactionJournal(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  std::uint32_t push(Step step, std::string_view message);
  void append(std::string_view message);  // to the last one

  bool empty() const { return steps_.empty() && !overflowed_; }
  bool overflowed() const { return overflowed_; }
  std::uint32_t begin() const { return first_; }
  std::uint32_t end() const { return first_ + static_cast<std::uint32_t>(steps_.size()); }
  Step* find(std::uint32_t number);
  Step& at(std::uint32_t number) { return steps_.at(number - first_); }
  std::string_view message(const Step& step) const {
    return std::string_view(bytes_).substr(step.at - dropped_, step.size);
  }

  void give_up();  // as if it overflowed now
  void drop_through(std::uint32_t number);
  void clear();

 private:
  bool fits(std::size_t bytes);

  std::size_t bytes_max_;
  bool overflowed_ = false;
  std::uint32_t first_ = 1;
  Fifo<Step> steps_;
  Bytes bytes_;
  std::size_t dropped_ = 0;  // bytes that were in front of bytes_
};

}  // namespace spar::gateway::relay
