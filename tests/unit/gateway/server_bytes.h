// What a server of the PostgreSQL protocol said, one readable line a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spar::gateway::test {

//   Z I | C INSERT 0 1 | T id:23:0 name:25:0 | D 1|row 1|NULL | E ERROR 42601 text @8 | N ...
//   1 2 3 n s I c | t 23 25 | G 2 | H 2 | d "line\n" | S name=value | K 7 9 | R 0
std::vector<std::string> describe_server(std::string_view bytes);

// Whether the bytes end at the end of a message.
bool is_whole(std::string_view bytes);

}  // namespace spar::gateway::test
