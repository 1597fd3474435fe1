#include "console/http_server.h"

#include <httplib.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "console/metrics.h"

namespace spar::console {
namespace {

using nlohmann::json;

constexpr std::size_t kRequestBytesMax = 4096, kThreads = 4;
constexpr std::time_t kTimeout = 5;  // seconds

// Fetches the status every second and shows it as text: whatever it says is escaped by the browser.
constexpr const char* kPage = R"(<!doctype html><meta charset="utf-8"><title>Spar</title>
<style>body{font:14px/1.4 monospace;margin:2em}</style><h1>Spar</h1><pre id="status">...</pre>
<p><a href="/metrics">/metrics</a> <a href="/api/status">/api/status</a>
<a href="/api/events">/api/events</a>
<script>
async function look() {
  let text = "the node does not answer";
  try { text = JSON.stringify(await (await fetch("/api/status")).json(), null, 2); } catch {}
  document.getElementById("status").textContent = text;
  setTimeout(look, 1000);
}
look();
</script>
)";

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

HttpServer::HttpServer(Source source)
    : source_(std::move(source)), server_(std::make_unique<httplib::Server>()) {
  server_->new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  server_->set_payload_max_length(kRequestBytesMax);
  server_->set_read_timeout(kTimeout);
  server_->set_write_timeout(kTimeout);
  server_->set_keep_alive_max_count(1);
  // Its own default lets two servers share a port.
  server_->set_socket_options([](socket_t socket) {
    int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  server_->Get("/metrics", [this](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(metrics_of(source_.status()), "text/plain; version=0.0.4; charset=utf-8");
  });
  server_->Get("/api/status", [this](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(source_.status().dump(), "application/json");
  });
  server_->Get("/api/events", [this](const httplib::Request& asked, httplib::Response& answer) {
    answer.set_content(source_.events(number(asked.get_param_value("after"))).dump(),
                       "application/json");
  });
  server_->Get("/", [](const httplib::Request&, httplib::Response& answer) {
    answer.set_content(kPage, "text/html; charset=utf-8");
  });
}

HttpServer::~HttpServer() {
  server_->stop();
  if (thread_.joinable()) thread_.join();
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& host, std::uint16_t port,
                                                      Source source) {
  std::unique_ptr<HttpServer> made(new HttpServer(std::move(source)));
  int bound = port;
  if (port == 0) {
    bound = made->server_->bind_to_any_port(host);
  } else if (!made->server_->bind_to_port(host, port)) {
    bound = -1;
  }
  if (bound <= 0) {
    return failure(Code::io, "the console cannot listen on " + host + " port " +
                                 std::to_string(port) + ": is it in use?");
  }
  made->port_ = static_cast<std::uint16_t>(bound);
  made->thread_ = std::thread([server = made->server_.get()] { server->listen_after_bind(); });
  // Before it runs it cannot be stopped.
  while (!made->server_->is_running()) std::this_thread::yield();
  return made;
}

}  // namespace spar::console
