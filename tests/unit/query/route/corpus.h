// tests/unit/query/route/corpus.h: every statement that the repository's tests hold.
#pragma once

#include <string>
#include <vector>

namespace spar::query::route::test {

// Of the recorded answers, the integration tests and the fuzzer's first inputs, and statements that
// are here only because they are hard to cut into tokens.
const std::vector<std::string>& corpus();

// The lines of Chinook's script, or nothing where the machine does not have it.
std::vector<std::string> chinook();

}  // namespace spar::query::route::test
