// What else can go wrong with a cluster of servers, and with who uses it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "server/listen.h"
#include "tests/support/raw_client.h"
#include "tests/support/server_trouble.h"

namespace spar::test {
namespace {

TEST_F(ServerTrouble, AllCopiesGoneAndBackInAnyOrder) {
  ShopLife& life = start();
  life.open();
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{"primary", "mirror", "replica"},
        std::vector<std::string>{"replica", "mirror", "primary"},
        std::vector<std::string>{"mirror", "primary", "replica"}}) {
    const json now = life.wait("all copies", is_whole);
    for (const std::string& role : order) {
      ::kill(copy_of(now, with_role(now, role)).value("pid", 0), SIGKILL);
    }
    life.wait_for_payments();
    life.wait_until_whole();
  }
  life.close_and_check();
}

TEST_F(ServerTrouble, WithoutMirrorsItGoesOnAndSaysSo) {
  ShopLife& life = start();
  life.open();
  const json before = life.wait("all copies", is_whole);
  const std::string primary = primary_of(before);
  for (const char* name : {"a", "b", "c"}) {
    if (name != primary) signal_all(name, SIGSTOP);
  }
  const json alone = life.wait("exposure", [](const json& now) { return !is_protected(now); });
  life.wait_for_payments();
  EXPECT_EQ(primary_of(alone), primary);
  app::SqlAddress address = life.address();
  PGconn* client = PQconnectdb(("host=" + address.host + " port=" + address.port +
                                " user=postgres dbname=postgres sslmode=disable")
                                   .c_str());
  std::string heard;
  PQsetNoticeReceiver(client, [](void*, const PGresult*) {}, nullptr);
  EXPECT_EQ(PQstatus(client), CONNECTION_OK) << PQerrorMessage(client);
  PQfinish(client);
  for (const char* name : {"a", "b", "c"}) signal_all(name, SIGCONT);
  life.wait_until_whole();
  life.close_and_check();
}

TEST_F(ServerTrouble, AFullDiskOfThePrimary) {
  const std::string place = directory_.path() + "/copies/a";
  fs::create_directories(place);
  if (::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=400m,mode=0755") != 0) {
    GTEST_SKIP() << "cannot mount a small tmpfs (needs root)";
  }
  std::system(("chown postgres " + place).c_str());
  {
    const std::string config = directory_.path() + "/spar.toml";
    const std::string other = directory_.path() + "/made";
    ASSERT_EQ(
        std::system((std::string(SPAR_PROGRAM) + " init --engine postgres --listen 127.0.0.1:0 " +
                     other + " > /dev/null && mv " + other + "/spar.toml " + config)
                        .c_str()),
        0);
  }
  life_.emplace(must(start_configured_node(directory_.path())));
  ShopLife& life = *life_;
  life.open();
  ASSERT_EQ(primary_of(life.wait("all copies", is_whole)), "a");
  life.lose_primary([&](const std::string&, int) {
    int fd = ::open((place + "/filler").c_str(), O_WRONLY | O_CREAT, 0600);
    std::string block(1 << 16, 'x');
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    block.resize(1);
    while (::write(fd, block.data(), block.size()) > 0) {
    }
    ::close(fd);
    // The next segment of the log finds no room.
    auto link = link_to(copy_of(*life.node().cluster(), "a"));
    const auto deadline = patiently();
    while (link.run("select pg_switch_wal()", patiently()) &&
           link.run("select pg_logical_emit_message(false, 'fill', 'x')", patiently())) {
      if (std::chrono::steady_clock::now() > deadline) break;
    }
  });
  fs::remove(place + "/filler");
  life.wait_until_whole();
  life.close_and_check();
  life_.reset();
  ::umount2(place.c_str(), MNT_DETACH);
}

TEST_F(ServerTrouble, AServerOfAnotherClusterIsRefused) {
  ServerDirectory servers;
  auto ours = servers.copy("ours"), other = servers.copy("other");
  ours->start_as_primary();
  other->start_as_primary();
  const std::string password = "p";
  for (auto* each : {ours.get(), other.get()}) {
    auto link = each->session();
    must(link.run("alter role postgres password 'p'", patiently()));
  }
  const std::string said = refusal(copy_table("a", address_of(*ours, password)) +
                                   copy_table("b", address_of(*other, password)));
  EXPECT_NE(said.find("copy b is a server of another cluster"), std::string::npos) << said;
}

TEST_F(ServerTrouble, WrongCredentialsAreToldByTheCopysName) {
  ServerDirectory servers;
  auto ours = servers.copy("ours");
  ours->start_as_primary();
  const std::string said = refusal(copy_table("a", address_of(*ours, "wrong-secret")));
  EXPECT_NE(said.find("copy a: "), std::string::npos) << said;
  EXPECT_NE(said.find("password authentication failed"), std::string::npos) << said;
  EXPECT_EQ(said.find("wrong-secret"), std::string::npos) << said;
}

TEST_F(ServerTrouble, AServerThatNeverAnswersIsNotWaitedForLong) {
  auto socket = must(server::listen_on({"127.0.0.1", 0}));
  const auto port = must(server::bound_to(socket.get())).port;
  const std::string said =
      refusal(copy_table("a", "host=127.0.0.1 port=" + std::to_string(port) + " user=postgres"));
  EXPECT_NE(said.find("copy a: the server did not let us in in time"), std::string::npos) << said;
}

// A user keeps being who logged in, whatever connection it is given.
TEST_F(ServerTrouble, NobodyBecomesSomebodyElse) {
  ShopLife& life = start();
  life.wait_until_whole();
  app::SqlClient superuser(life.address());
  must(superuser.connect());
  ASSERT_TRUE(superuser.run("create role app login").ok);
  app::SqlAddress address = life.address();
  address.user = "app";
  for (int i = 0; i < 3; ++i) {
    app::SqlClient app(address);
    must(app.connect());
    EXPECT_FALSE(app.run("set session authorization postgres").ok);
    EXPECT_FALSE(app.run("set role postgres").ok);
    EXPECT_TRUE(app.run("reset role").ok);
    EXPECT_TRUE(app.run("reset session authorization").ok);
    EXPECT_EQ(app.run("select current_user || session_user").rows.at(0).at(0), "appapp");
  }
  // The superuser may, and leaves nothing of it behind for others.
  ASSERT_TRUE(superuser.run("set session authorization app").ok);
  app::SqlClient another(life.address());
  must(another.connect());
  EXPECT_EQ(another.run("select current_user || session_user").rows.at(0).at(0),
            "postgrespostgres");
}

TEST_F(ServerTrouble, AnEnormousPacketBeforeTheLoginIsRefused) {
  ShopLife& life = start();
  life.wait_until_whole();
  RawClient client(life.address());
  const std::uint32_t size = 64u << 20;
  std::string head;
  for (int shift = 24; shift >= 0; shift -= 8) head += static_cast<char>(size >> shift);
  client.send(head + std::string("\0\3\0\0", 4));
  EXPECT_TRUE(client.wait_for_end());
}

}  // namespace
}  // namespace spar::test
