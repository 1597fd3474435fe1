// gateway/notices.h: warnings and notices to the client, as client_min_messages lets them through.
#pragma once

#include <string>
#include <string_view>

#include "gateway/output.h"
#include "gateway/settings.h"

namespace spar::gateway {

class Notices {
 public:
  Notices(Output& output, const Settings& settings) : output_(output), settings_(settings) {}

  void warning(std::string_view sqlstate, std::string message);
  void notice(std::string message, std::string_view sqlstate = "00000");

 private:
  void tell(wire::Severity severity, std::string_view sqlstate, std::string message);

  Output& output_;
  const Settings& settings_;
};

}  // namespace spar::gateway
