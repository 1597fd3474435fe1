// spar/demo/story.h: what the demo does, act by act, and whether everything held.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "spar/demo/node_process.h"
#include "spar/demo/workload.h"

namespace spar::app {

struct Verdict {
  Counts counts;
  Audit audit;
  std::chrono::milliseconds longest_copy_pause{0}, restart_pause{0};
  std::vector<std::string> hashes;  // "a 0123...", one a copy
  bool hashes_equal = false;
  bool holds() const;
};

class Story {
 public:
  Story(std::string program, std::string directory, int port);
  ~Story();

  // Plays all acts and prints them as it goes. An error is an act that did not happen.
  Result<Verdict> play();
  void print(const Verdict& verdict) const;
  // Goes on serving until Ctrl-C, and says how to connect.
  void stay();
  // Asks the running demo to end soon (from a signal handler).
  static void interrupt();

 private:
  Result<void> open_shop();
  Result<void> work_for(std::chrono::milliseconds time);
  Result<void> destroy_primary();
  Result<void> bring_back();
  Result<void> kill_server();
  Result<void> compare_copies();
  Result<void> check_data();

  // Looks at the cluster until it is as `wanted`; fails after `patience` with `what` as the reason.
  Result<nlohmann::json> wait_until(const std::string& what, std::chrono::seconds patience,
                                    const std::function<bool(const nlohmann::json&)>& wanted);
  void say(const std::string& line) const;

  std::string program_, directory_;
  int port_;
  std::chrono::steady_clock::time_point begun_;
  std::unique_ptr<NodeProcess> node_;
  std::unique_ptr<Workload> workload_;
  std::vector<std::string> destroyed_;  // paths of copies
  Verdict verdict_;
};

}  // namespace spar::app
