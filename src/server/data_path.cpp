#include "server/data_path.h"

namespace spar::server {

using control::ActionDone;

ActionDone succeeded(Position position) {
  ActionDone done;
  done.result = ActionDone::Result::done;
  done.position = position;
  return done;
}

ActionDone did_not(const Error& error) {
  ActionDone done;
  done.result = ActionDone::Result::failed;
  done.text = error.message;
  return done;
}

ActionDone did_diverge(std::string text) {
  ActionDone done;
  done.result = ActionDone::Result::failed;
  done.diverged = true;
  done.text = std::move(text);
  return done;
}

}  // namespace spar::server
