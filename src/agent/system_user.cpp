#include "agent/system_user.h"

#include <grp.h>
#include <pwd.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include <array>

namespace spar::agent {

Result<std::optional<SystemUser>> server_user(const std::string& name) {
  if (::geteuid() != 0) return std::nullopt;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 16384> text;
  ::getpwnam_r(name.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr || found->pw_uid == 0) {
    auto missing = failure(Code::unavailable, "there is no user \"" + name + "\" on this machine");
    missing.error().hint = "the server refuses to run as root: install it, or make that user";
    return missing;
  }
  SystemUser user{found->pw_uid, found->pw_gid, {}};
  int count = 0;
  ::getgrouplist(name.c_str(), user.group, nullptr, &count);
  user.groups.resize(static_cast<std::size_t>(count));
  ::getgrouplist(name.c_str(), user.group, user.groups.data(), &count);
  return user;
}

ActAs::ActAs(const std::optional<SystemUser>& user) : active_(user.has_value()) {
  if (!active_) return;
  group_before_ = static_cast<gid_t>(::setfsgid(user->group));
  user_before_ = static_cast<uid_t>(::setfsuid(user->user));
}

ActAs::~ActAs() {
  if (!active_) return;
  ::setfsuid(user_before_);
  ::setfsgid(group_before_);
}

}  // namespace spar::agent
