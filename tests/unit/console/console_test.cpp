// The console: metrics as text, and what its listener answers.
#include <gtest/gtest.h>
#include <httplib.h>

#include <nlohmann/json.hpp>

#include "console/http_server.h"
#include "console/metrics.h"

namespace spar::console {
namespace {

using nlohmann::json;

json status() {
  return {{"clusters",
           {{{"name", "ma\"in"},
             {"epoch", 7},
             {"primary", "a"},
             {"protected", false},
             {"exposed_seconds", 1.5},
             {"paused", false},
             {"copies",
              {{{"name", "a"}, {"role", "primary"}, {"health", "ok"}, {"lag_ms", 0}},
               {{"name", "b"}, {"role", "down"}, {"health", "gone"}, {"lag_ms", -1}}}}}}}};
}

TEST(Metrics, SayWhatTheStatusSays) {
  const std::string text = metrics_of(status());
  for (const char* line :
       {"# TYPE spar_cluster_epoch gauge\n", "spar_cluster_epoch{cluster=\"ma\\\"in\"} 7.0\n",
        "spar_cluster_has_primary{cluster=\"ma\\\"in\"} 1.0\n",
        "spar_cluster_protected{cluster=\"ma\\\"in\"} 0.0\n",
        "spar_cluster_exposed_seconds{cluster=\"ma\\\"in\"} 1.5\n",
        "spar_copy_healthy{cluster=\"ma\\\"in\",copy=\"b\",role=\"down\"} 0.0\n",
        "spar_copy_lag_seconds{cluster=\"ma\\\"in\",copy=\"a\",role=\"primary\"} 0.0\n"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
  }
  EXPECT_EQ(text.find("spar_copy_lag_seconds{cluster=\"ma\\\"in\",copy=\"b\""), std::string::npos);
  EXPECT_NE(metrics_of(json::object()).find("# HELP"), std::string::npos);
}

TEST(HttpServer, AnswersReadsAndNothingElse) {
  auto server = HttpServer::start(
      "127.0.0.1", 0,
      {[] { return status(); }, [](std::uint64_t after) { return json{{"after", after}}; }});
  ASSERT_TRUE(server) << server.error().message;
  httplib::Client client("127.0.0.1", (*server)->port());
  EXPECT_EQ(client.Get("/metrics")->body, metrics_of(status()));
  EXPECT_EQ(json::parse(client.Get("/api/status")->body), status());
  EXPECT_EQ(json::parse(client.Get("/api/events?after=5")->body)["after"], 5);
  EXPECT_EQ(client.Get("/")->status, 200);
  EXPECT_EQ(client.Get("/other")->status, 404);
  EXPECT_NE(client.Post("/api/status", "x", "text/plain")->status, 200);
  EXPECT_FALSE(HttpServer::start("127.0.0.1", (*server)->port(), {}));
}

}  // namespace
}  // namespace spar::console
