#include "console/metrics.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

namespace spar::console {
namespace {

using nlohmann::json;
using Value = std::optional<double>;

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

std::string number(double value) {
  json text = value;
  return text.dump();
}

struct Metric {
  const char *name, *help;
  Value (*of)(const json& from);
};

Value flag(const json& from, const char* key) {
  return from.value(key, false) ? 1 : 0;
}

constexpr Metric kClusterMetrics[] = {
    {"spar_cluster_epoch", "Epoch of the cluster record; goes up with every change of primary.",
     [](const json& c) -> Value { return c.value("epoch", 0.0); }},
    {"spar_cluster_has_primary", "1 while a primary accepts writes.",
     [](const json& c) -> Value { return c.value("primary", "").empty() ? 0 : 1; }},
    {"spar_cluster_protected", "1 while the loss of the primary would lose nothing.",
     [](const json& c) -> Value { return flag(c, "protected"); }},
    {"spar_cluster_exposed_seconds", "For how long there have been fewer mirrors than asked for.",
     [](const json& c) -> Value { return c.value("exposed_seconds", 0.0); }},
    {"spar_cluster_paused", "1 while nothing is repaired by itself.",
     [](const json& c) -> Value { return flag(c, "paused"); }},
};

constexpr Metric kCopyMetrics[] = {
    {"spar_copy_healthy", "1 while the copy is in use and well.",
     [](const json& c) -> Value { return c.value("health", "") == "ok" ? 1 : 0; }},
    {"spar_copy_lag_seconds", "How far the copy's contents are behind the primary's.",
     [](const json& c) -> Value {
       const double lag = c.value("lag_ms", -1.0);
       return lag < 0 ? Value() : Value(lag / 1000);
     }},
    {"spar_copy_behind_bytes", "Log that the primary has and the copy has not.",
     [](const json& c) -> Value {
       const double bytes = c.value("behind_bytes", -1.0);
       return bytes < 0 ? Value() : Value(bytes);
     }},
};

void write_head(std::string& out, const Metric& metric) {
  out += std::string("# HELP ") + metric.name + " " + metric.help + "\n# TYPE " + metric.name +
         " gauge\n";
}

void write_sample(std::string& out, const Metric& metric, const std::string& labels,
                  const json& from) {
  const Value value = metric.of(from);
  if (value) out += std::string(metric.name) + "{" + labels + "} " + number(*value) + "\n";
}

std::string label(const char* name, const std::string& value) {
  return std::string(name) + "=\"" + escaped(value) + "\"";
}

void each_cluster(const json& status, const std::function<void(const json&)>& visit) {
  for (const json& cluster : status.value("clusters", json::array())) visit(cluster);
}

}  // namespace

std::string metrics_of(const json& status) {
  std::string out;
  for (const Metric& metric : kClusterMetrics) {
    write_head(out, metric);
    each_cluster(status, [&](const json& cluster) {
      write_sample(out, metric, label("cluster", cluster.value("name", "")), cluster);
    });
  }
  for (const Metric& metric : kCopyMetrics) {
    write_head(out, metric);
    each_cluster(status, [&](const json& cluster) {
      for (const json& copy : cluster.value("copies", json::array())) {
        write_sample(out, metric,
                     label("cluster", cluster.value("name", "")) + "," +
                         label("copy", copy.value("name", "")) + "," +
                         label("role", copy.value("role", "")),
                     copy);
      }
    });
  }
  return out;
}

}  // namespace spar::console
