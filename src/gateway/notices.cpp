#include "gateway/notices.h"

namespace spar::gateway {

void Notices::warning(std::string_view sqlstate, std::string message) {
  if (settings_.get("client_min_messages") == "error") return;
  tell(wire::Severity::warning, sqlstate, std::move(message));
}

void Notices::notice(std::string message, std::string_view sqlstate) {
  const std::string& least = settings_.get("client_min_messages");
  if (least == "error" || least == "warning") return;
  tell(wire::Severity::notice, sqlstate, std::move(message));
}

void Notices::tell(wire::Severity severity, std::string_view sqlstate, std::string message) {
  Error content;
  content.sqlstate = sqlstate;
  content.message = std::move(message);
  output_.encode().notice(severity, content);
}

}  // namespace spar::gateway
