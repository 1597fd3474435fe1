#include "spar/demo/story.h"

#include <signal.h>

#include <atomic>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <thread>

#include "spar/commands/init.h"
#include "spar/table.h"

namespace spar::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr int kClients = 4;  // writers, and as many readers
constexpr const char* kDatabase = "shop";
constexpr milliseconds kLookEvery{2};
constexpr milliseconds kActTime{2000};

std::atomic<bool> g_interrupted{false};  // a signal handler can reach nothing else

std::string in_ms(milliseconds time) {
  return std::to_string(time.count()) + " ms";
}

milliseconds since(steady_clock::time_point begun) {
  return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
}

const json* find_copy(const json& cluster, const std::string& name) {
  for (const json& copy : cluster["copies"]) {
    if (copy.value("name", "") == name) return &copy;
  }
  return nullptr;
}

bool serves(const json& copy) {
  std::string role = copy.value("role", "");
  return copy.value("health", "") == "ok" &&
         (role == "primary" || role == "mirror" || role == "replica");
}

std::string roles(const json& cluster) {
  std::string out;
  for (const json& copy : cluster["copies"]) {
    out += (out.empty() ? "" : ", ") + copy.value("name", "") + " " + copy.value("role", "");
  }
  return out;
}

std::string primary_of(const json& cluster) {
  return cluster["primary"].is_string() ? cluster["primary"].get<std::string>() : "";
}

// The server may be writing there: a directory that fills while it is emptied is emptied again.
void remove_directory(const std::string& path) {
  auto deadline = steady_clock::now() + seconds(2);
  std::error_code status;
  do {
    fs::remove_all(path, status);
  } while (fs::exists(path) && steady_clock::now() < deadline);
}

}  // namespace

bool Verdict::holds() const {
  return counts.acknowledged > 0 && counts.reads > 0 && counts.errors == 0 && counts.stale == 0 &&
         audit.lost == 0 && audit.doubled == 0 && audit.torn == 0 && hashes_equal;
}

Story::Story(std::string program, std::string directory, int port)
    : program_(std::move(program)),
      directory_(std::move(directory)),
      port_(port),
      begun_(steady_clock::now()) {}

Story::~Story() {
  if (workload_) workload_->stop();
}

void Story::interrupt() {
  g_interrupted = true;
}

void Story::say(const std::string& line) const {
  std::cout << std::fixed << std::setprecision(1) << std::setw(5)
            << static_cast<double>(since(begun_).count()) / 1000 << " s  " << line << std::endl;
}

Result<json> Story::wait_until(const std::string& what, seconds patience,
                               const std::function<bool(const json&)>& wanted) {
  auto deadline = steady_clock::now() + patience;
  std::string last = "no answer to status";
  while (steady_clock::now() < deadline) {
    if (g_interrupted) return failure(Code::cancelled, "interrupted");
    if (!node_->alive()) return failure(Code::unavailable, "the supervisor ended");
    std::optional<json> cluster = node_->cluster();
    if (cluster && wanted(*cluster)) return std::move(*cluster);
    if (cluster) last = cluster->dump();
    std::this_thread::sleep_for(kLookEvery);
  }
  return failure(Code::deadline, what + " did not happen within " +
                                     std::to_string(patience.count()) + " s; last: " + last);
}

Result<void> Story::open_shop() {
  InitOptions options{.directory = directory_,
                      .database = kDatabase,
                      .listen = "127.0.0.1:" + std::to_string(port_)};
  SPAR_TRY(make_node(options, false));
  say("spar init: a cluster of three copies, a, b and c, in " + directory_ + "/copies");
  SPAR_ASSIGN(node_, NodeProcess::start(program_, directory_));
  SqlClient client(node_->address(kDatabase));
  SPAR_TRY(client.connect());
  SPAR_ASSIGN(json cluster, wait_until("protection", seconds(10), [](const json& now) {
                return now.value("protected", false);
              }));
  SqlAddress address = node_->address(kDatabase);
  say("spar serve: " + address.host + ":" + address.port + " answers; " + roles(cluster));
  SPAR_TRY(make_shop(client));
  workload_ = std::make_unique<Workload>(address, kClients, kClients);
  say("a shop with " + std::to_string(kCustomers) +
      " customers opens: 4 clients pay, 4 clients look");
  return {};
}

Result<void> Story::work_for(milliseconds time) {
  auto end = steady_clock::now() + time;
  while (steady_clock::now() < end) {
    if (g_interrupted) return failure(Code::cancelled, "interrupted");
    std::this_thread::sleep_for(milliseconds(20));
  }
  if (!workload_->all_served_within(seconds(15))) {
    return failure(Code::deadline, "a client has had no answer for 15 s");
  }
  Counts counts = workload_->counts();
  say("  " + std::to_string(counts.acknowledged) + " payments acknowledged, " +
      std::to_string(counts.reads) + " reads, " + std::to_string(counts.errors) + " errors");
  return {};
}

Result<void> Story::destroy_primary() {
  SPAR_ASSIGN(json before, wait_until("a primary", seconds(5),
                                      [](const json& now) { return !primary_of(now).empty(); }));
  std::string name = primary_of(before), path = (*find_copy(before, name))["path"];
  workload_->take_longest_wait();
  say("DESTROY the primary: rm -rf " + path);
  auto begun = steady_clock::now();
  remove_directory(path);
  destroyed_.push_back(path);
  SPAR_ASSIGN(json after, wait_until("a new primary", seconds(10), [&](const json& now) {
                return !primary_of(now).empty() && primary_of(now) != name;
              }));
  say("  " + primary_of(after) + " is the primary of epoch " + after["epoch"].dump() + " after " +
      in_ms(since(begun)));
  if (!workload_->all_served_within(seconds(15))) {
    return failure(Code::deadline, "a client has had no answer for 15 s");
  }
  milliseconds wait = workload_->take_longest_wait();
  verdict_.longest_copy_pause = std::max(verdict_.longest_copy_pause, wait);
  say("  no client saw more than a pause: the longest was " + in_ms(wait));
  if (destroyed_.size() > 1) {
    say("  one copy is left: the cluster is exposed, says so, and goes on");
    return {};
  }
  SPAR_ASSIGN(json safe, wait_until("protection", seconds(15),
                                    [](const json& now) { return now.value("protected", false); }));
  say("  protected again: " + roles(safe));
  return {};
}

Result<void> Story::bring_back() {
  for (const std::string& path : destroyed_) {
    say("BRING BACK an empty directory: mkdir " + path);
    std::error_code status;
    fs::create_directories(path, status);
  }
  auto begun = steady_clock::now();
  SPAR_ASSIGN(json now, wait_until("three serving copies", seconds(30), [](const json& cluster) {
                bool all = cluster.value("protected", false);
                for (const json& copy : cluster["copies"]) all = all && serves(copy);
                return all;
              }));
  verdict_.longest_copy_pause =
      std::max(verdict_.longest_copy_pause, workload_->take_longest_wait());
  say("  filled and caught up in " + in_ms(since(begun)) + " while clients worked: " + roles(now));
  destroyed_.clear();
  return {};
}

Result<void> Story::kill_server() {
  int pid = node_->server_pid();
  if (pid <= 0) return failure(Code::unavailable, "status does not tell the server's pid");
  Counts before = workload_->counts();
  workload_->take_longest_wait();
  workload_->expect_restart();
  say("KILL the server itself: kill -9 " + std::to_string(pid));
  ::kill(pid, SIGKILL);
  SPAR_ASSIGN(json now, wait_until("a new server", seconds(20), [&](const json&) {
                int fresh = node_->server_pid();
                return fresh > 0 && fresh != pid;
              }));
  if (!workload_->all_served_within(seconds(25))) {
    return failure(Code::deadline, "a client has had no answer for 25 s");
  }
  verdict_.restart_pause = workload_->take_longest_wait();
  Counts after = workload_->counts();
  say("  its supervisor started it again: " + roles(now));
  say("  " + std::to_string(after.reconnects - before.reconnects) + " clients connected again, " +
      std::to_string(after.in_doubt - before.in_doubt) + " had a payment in doubt, " +
      std::to_string(after.found_committed - before.found_committed) +
      " of these had been committed; the longest wait was " + in_ms(verdict_.restart_pause));
  return {};
}

Result<void> Story::compare_copies() {
  say("all clients stop; every copy's content is compared");
  workload_->stop();
  verdict_.counts = workload_->counts();
  auto equal = [](const json& cluster) {
    const json& copies = cluster["copies"];
    std::string first = copies[0].value("content_hash", "");
    bool all = !first.empty();
    for (const json& copy : copies) {
      all = all && serves(copy) && copy.value("content_hash", "") == first;
    }
    return all;
  };
  auto same = wait_until("equal content", seconds(15), equal);
  verdict_.hashes_equal = same.has_value();
  std::optional<json> cluster = same ? std::move(*same) : node_->cluster();
  for (const json& copy : cluster ? (*cluster)["copies"] : json::array()) {
    verdict_.hashes.push_back(copy.value("name", "") + " " + copy.value("content_hash", "unknown"));
  }
  return {};
}

Result<void> Story::check_data() {
  SqlClient client(node_->address(kDatabase));
  SPAR_TRY(client.connect());
  SPAR_ASSIGN(verdict_.audit, audit_shop(client, workload_->acknowledged()));
  return {};
}

Result<Verdict> Story::play() {
  SPAR_TRY(open_shop());
  SPAR_TRY(work_for(kActTime));
  SPAR_TRY(destroy_primary());
  SPAR_TRY(work_for(kActTime));
  SPAR_TRY(destroy_primary());
  SPAR_TRY(work_for(kActTime));
  SPAR_TRY(bring_back());
  SPAR_TRY(work_for(kActTime));
  SPAR_TRY(kill_server());
  SPAR_TRY(work_for(kActTime));
  SPAR_TRY(compare_copies());
  SPAR_TRY(check_data());
  return verdict_;
}

void Story::print(const Verdict& verdict) const {
  const Counts& counts = verdict.counts;
  Table table({"WHAT", "RESULT", "MUST BE"});
  auto row = [&](const std::string& what, std::int64_t value, const std::string& wanted) {
    table.add({what, std::to_string(value), wanted});
  };
  row("payments acknowledged", counts.acknowledged, "");
  row("reads", counts.reads, "");
  row("lost", verdict.audit.lost, "0");
  row("doubled", verdict.audit.doubled, "0");
  row("torn", verdict.audit.torn, "0");
  row("stale reads", counts.stale, "0");
  row("client errors", counts.errors, "0");
  table.add({"longest pause, a copy lost", in_ms(verdict.longest_copy_pause), ""});
  table.add({"longest pause, the server killed", in_ms(verdict.restart_pause), ""});
  for (const std::string& hash : verdict.hashes)
    table.add({"content hash of " + hash.substr(0, 1), hash.substr(2), "equal"});
  std::cout << '\n';
  table.print(std::cout);
  if (counts.errors > 0) std::cout << "first error: " << workload_->first_error() << '\n';
  std::cout << '\n' << (verdict.holds() ? "Everything held." : "NOT everything held.") << std::endl;
}

void Story::stay() {
  SqlAddress address = node_->address(kDatabase);
  std::cout << "\nStill serving. In another terminal:\n  psql -h " << address.host << " -p "
            << address.port << " -U demo " << kDatabase << "\n  " << program_ << " status --config "
            << directory_ << "/spar.toml\nDestroy what you like in " << directory_
            << "/copies. Ctrl-C ends it." << std::endl;
  while (!g_interrupted && node_->alive()) std::this_thread::sleep_for(milliseconds(50));
}

}  // namespace spar::app
