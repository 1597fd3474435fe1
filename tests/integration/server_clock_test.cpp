// The time of day is wrong, differs between machines and jumps: nothing is decided by it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/support/postgres_versions.h"
#include "tests/support/server_trouble.h"

namespace spar::test {
namespace {

using std::chrono::hours;

// A time of day of its own for the programs that are started with it (clock_shim.cpp).
class WallClock {
 public:
  explicit WallClock(std::string file) : file_(std::move(file)) {
    const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    const bool sized = fd >= 0 && ::ftruncate(fd, sizeof(std::int64_t)) == 0;
    void* at =
        sized ? ::mmap(nullptr, sizeof(std::int64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
              : MAP_FAILED;
    ::close(fd);
    if (at == MAP_FAILED) throw std::runtime_error("cannot make " + file_);
    ahead_ = static_cast<volatile std::int64_t*>(at);
  }
  ~WallClock() { ::munmap(const_cast<std::int64_t*>(ahead_), sizeof(std::int64_t)); }

  void set_ahead(hours time) { *ahead_ = std::chrono::microseconds(time).count(); }
  std::vector<std::string> environment() const {
    return {"LD_PRELOAD=" SPAR_CLOCK_SHIM, "SPAR_TEST_CLOCK=" + file_};
  }
  // Of programs whose servers go by this clock.
  std::string programs_in(const std::string& directory) const {
    return programs_with(directory, "postgres",
                         "export " + environment()[0] + " " + environment()[1]);
  }

 private:
  std::string file_;
  volatile std::int64_t* ahead_ = nullptr;
};

class ServerClock : public ServerTrouble {
 protected:
  // Spar goes by one clock, all servers by another one.
  ShopLife& start_with(const WallClock& spars, const WallClock& servers) {
    for (const std::string& each : spars.environment()) {
      const auto end = each.find('=');
      ::setenv(each.substr(0, end).c_str(), each.substr(end + 1).c_str(), 1);
    }
    life_.emplace(start_with_programs(directory_.path(),
                                      servers.programs_in(directory_.path() + "/programs")));
    for (const char* name : {"LD_PRELOAD", "SPAR_TEST_CLOCK"}) ::unsetenv(name);
    return *life_;
  }
  static std::string hour(const json& copy) {
    auto link = link_to(copy);
    return one(link, "select floor(extract(epoch from clock_timestamp()) / 3600)");
  }
};

TEST_F(ServerClock, JumpsAndChangesNothing) {
  WallClock spars(directory_.path() + "/spars-clock"),
      servers(directory_.path() + "/servers-clock");
  ShopLife& life = start_with(spars, servers);
  life.open();
  const std::vector<std::pair<hours, hours>> jumps = {
      {hours(5), hours(0)}, {hours(-7), hours(3)}, {hours(24), hours(-11)}, {hours(-24), hours(0)}};
  for (const auto& [spar, server] : jumps) {
    const json before = life.wait("all copies", is_whole);
    const std::string then = hour(copies_of(before)[0]);
    spars.set_ahead(spar);
    servers.set_ahead(server);
    EXPECT_TRUE(server == hours(0) || hour(copies_of(before)[0]) != then) << "no clock has jumped";
    life.wait_for_payments();
    const json after = life.wait("all copies", is_whole);
    EXPECT_EQ(after["epoch"], before["epoch"]);  // nobody was lost for it
    for (const json& copy : copies_of(after)) EXPECT_LT(copy.value("lag_ms", -1), 60'000);
    life.lose_primary([](const std::string&, int pid) { ::kill(pid, SIGKILL); });
    life.wait_until_whole();
  }
  EXPECT_EQ(said("switchover").find("error"), std::string::npos);
  life.wait_for_payments();
  life.wait_until_whole();
  life.close_and_check();
}

// Sessions that began before the server's clock was set back are fenced like all others.
TEST_F(ServerClock, SetBackHidesNoSessionFromAFence) {
  WallClock spars(directory_.path() + "/spars-clock"),
      servers(directory_.path() + "/servers-clock");
  servers.set_ahead(hours(3));
  ShopLife& life = start_with(spars, servers);
  const json now = life.wait("all copies", is_whole);
  auto past_spar = link_to(copy_of(now, primary_of(now)));
  must(past_spar.run("begin read write", patiently()));
  must(past_spar.run("create table of_a_stranger ()", patiently()));
  servers.set_ahead(hours(0));
  said("switchover");
  life.wait("another primary", [&](const json& later) {
    return !primary_of(later).empty() && primary_of(later) != primary_of(now);
  });
  EXPECT_FALSE(past_spar.run("commit", patiently()));
}

}  // namespace
}  // namespace spar::test
