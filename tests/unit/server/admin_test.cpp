#include "server/admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "server/local_socket.h"
#include "tests/support/temp_directory.h"

namespace spar::server {
namespace {

using nlohmann::json;

Monotonic soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

json echo(const json& request) {
  return {{"ok", true}, {"got", request}};
}

TEST(Admin, AnswersARequest) {
  test::TempDirectory directory;
  auto server = AdminServer::start(directory / "admin.sock", echo);
  ASSERT_TRUE(server) << server.error().message;
  auto answer = admin_call(directory / "admin.sock", {{"command", "status"}}, soon());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ((*answer)["got"]["command"], "status");
}

TEST(Admin, OnlyTheOwnerMayCome) {
  test::TempDirectory directory;
  auto server = AdminServer::start(directory / "admin.sock", echo);
  struct stat status{};
  ASSERT_EQ(::stat((directory / "admin.sock").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST(Admin, NobodyThere) {
  test::TempDirectory directory;
  auto answer = admin_call(directory / "admin.sock", json::object(), soon());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unavailable);
}

TEST(Admin, ReplacesADeadSocketButNotALivingOne) {
  test::TempDirectory directory;
  std::string path = directory / "admin.sock";
  {
    auto dead = listen_locally(path);
  }  // closed, the file stays
  auto server = AdminServer::start(path, echo);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(AdminServer::start(path, echo).error().code, Code::unavailable);
  EXPECT_TRUE(admin_call(path, json::object(), soon()));
}

TEST(Admin, LeavesOtherFilesAlone) {
  test::TempDirectory directory;
  std::ofstream(directory / "admin.sock") << "precious";
  EXPECT_EQ(AdminServer::start(directory / "admin.sock", echo).error().code, Code::invalid);
}

TEST(Admin, PathsMayBeLong) {
  test::TempDirectory directory;
  std::string deep = directory / std::string(120, 'd');
  std::filesystem::create_directory(deep);
  auto server = AdminServer::start(deep + "/admin.sock", echo);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_TRUE(admin_call(deep + "/admin.sock", json::object(), soon()));
}

TEST(Admin, GarbageNeverReachesTheHandler) {
  test::TempDirectory directory;
  std::atomic<int> calls = 0;
  auto server = AdminServer::start(directory / "admin.sock", [&](const json&) {
    ++calls;
    return json{{"ok", true}};
  });
  for (std::string line : {std::string("hello"), std::string("[1]"), std::string(""),
                           std::string("{\"a\":"), std::string(100'000, 'x')}) {
    auto fd = connect_locally(directory / "admin.sock", soon());
    ASSERT_TRUE(fd);
    (void)send_line(fd->get(), line, soon());
    auto answer = receive_line(fd->get(), 1 << 20, soon());
    if (line.size() > 1000 && !answer) continue;  // closed before all of it was taken
    ASSERT_TRUE(answer) << line.substr(0, 10) << answer.error().message;
    EXPECT_EQ(json::parse(*answer)["ok"], false);
  }
  EXPECT_EQ(calls, 0);
}

TEST(Admin, WrongArgumentTypeIsAnAnswer) {
  test::TempDirectory directory;
  auto server = AdminServer::start(directory / "admin.sock", [](const json& request) {
    return json{{"ok", true}, {"n", request.at("n").get<std::string>()}};
  });
  auto answer = admin_call(directory / "admin.sock", {{"n", 5}}, soon());
  ASSERT_TRUE(answer);
  EXPECT_EQ((*answer)["ok"], false);
}

TEST(Admin, GivesUpAtTheDeadline) {
  test::TempDirectory directory;
  auto listener = listen_locally(directory / "admin.sock");  // takes nobody
  auto answer = admin_call(directory / "admin.sock", json::object(),
                           std::chrono::steady_clock::now() + std::chrono::milliseconds(30));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::deadline);
}

TEST(Admin, ManyAtOnce) {
  test::TempDirectory directory;
  auto server = AdminServer::start(directory / "admin.sock", echo);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 40; ++i) {
    threads.emplace_back([&, i] {
      auto answer = admin_call(directory / "admin.sock", {{"n", i}}, soon());
      if (answer && (*answer)["got"]["n"] == i) ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 40);
}

}  // namespace
}  // namespace spar::server
