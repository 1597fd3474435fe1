// tests/powercut/node.h: a server's cluster of two copies and its record, all on one disk.
#pragma once

#include "coordination/local/file_store.h"
#include "server/controller.h"
#include "server/embedded_path.h"

namespace spar::test {

inline constexpr const char* kRoot = "/cluster";

inline std::string copy_directory(const std::string& name) {
  return std::string(kRoot) + "/" + name;
}

class Node {
 public:
  explicit Node(storage::Disk& disk)
      : store_(coordination::open_file_store(disk, std::string(kRoot) + "/record")),
        path_(disk, std::string(kRoot) + "/ledgers"),
        controller_(path_, *store_, events_, spec()) {}

  server::Controller& controller() { return controller_; }
  const server::EventLog& events() const { return events_; }
  replicate::Cluster& cluster() { return path_.cluster(); }

 private:
  static server::ClusterSpec spec() {
    server::ClusterSpec made;
    made.name = "shop";
    for (std::string name : {"a", "b"}) {
      control::Member member;
      member.name = name;
      member.engine = "sqlite";
      member.location = copy_directory(name);
      made.members.push_back(std::move(member));
    }
    return made;
  }

  std::unique_ptr<coordination::RecordStore> store_;
  server::EventLog events_;
  server::EmbeddedPath path_;
  server::Controller controller_;
};

// Waits until `holds` does, looking every millisecond; false when it took longer than `patience`.
template <class Condition>
bool eventually(Condition holds, std::chrono::seconds patience = std::chrono::seconds(20)) {
  Monotonic limit = std::chrono::steady_clock::now() + patience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Two copies in service, one of them the other's mirror, with all that was published.
inline bool protected_and_caught_up(Node& node) {
  control::State state = node.controller().state();
  if (state.stage != control::Stage::settled || !state.record) return false;
  if (state.record->synchronous.size() != 1) return false;
  Position end = node.cluster().pipeline().published();
  auto members = node.cluster().members();
  return members.size() == 2 && std::all_of(members.begin(), members.end(), [&](const auto& each) {
           return !each->failed() && each->applied().sequence == end.sequence &&
                  each->received().sequence == end.sequence;
         });
}

}  // namespace spar::test
