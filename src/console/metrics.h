// console/metrics.h: a node's status in Prometheus' text format.
//
// Contract    `status` is what the administrator's door answers to `status` (server/admin.h). A
//             label's value is escaped; a copy that says nothing of something has no sample of it.
// Source      https://prometheus.io/docs/instrumenting/exposition_formats/
// Threads     Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace spar::console {

std::string metrics_of(const nlohmann::json& status);

}  // namespace spar::console
