// agent/system_user.h: the operating system's user that a database server runs as.
//
// Contract    PostgreSQL refuses to run as root. When this process is root, its programs run as
//             `postgres` and own their files; otherwise everything runs as who we are, and
//             server_user() gives nothing.
// Threads     ActAs changes the calling thread alone, from construction to destruction.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace spar::agent {

struct SystemUser {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;
};

// Code::unavailable when we are root and there is no such user.
Result<std::optional<SystemUser>> server_user(const std::string& name = "postgres");

// Files that this thread opens and makes are accessed and owned as by `user`: what root writes into
// a directory of somebody else must not follow that somebody's links elsewhere.
class ActAs {
 public:
  explicit ActAs(const std::optional<SystemUser>& user);
  ~ActAs();
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;

 private:
  bool active_;
  uid_t user_before_ = 0;
  gid_t group_before_ = 0;
};

}  // namespace spar::agent
