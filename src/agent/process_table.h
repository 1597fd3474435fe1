// agent/process_table.h: which processes live, and in which directory they work.
//
// Contract    Read from /proc. A zombie has ended: its memory, files and sockets are gone and only
//             its parent has not looked yet, but kill(pid, 0) still says that it is there.
//             working_in() finds every living process of a program (its file's name) whose working
//             directory is `directory`: a PostgreSQL server's processes all work in its data
//             directory, and so may a person's shell.
// Threads     Any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace spar::agent {

enum class ProcessState { gone, zombie, alive };

ProcessState state_of(pid_t pid);
bool works_in(pid_t pid, const std::string& directory);
std::vector<pid_t> working_in(const std::string& directory, std::string_view program);

// The letter in /proc/PID/stat; the program's name before it may hold spaces and parentheses.
std::optional<char> state_letter(std::string_view stat);

}  // namespace spar::agent
