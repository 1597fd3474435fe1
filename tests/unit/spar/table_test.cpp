#include "spar/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace spar::app {
namespace {

TEST(Table, LinesUpLettersOfManyBytes) {
  Table table({"NAME", "CITY"});
  table.add({"Tomás", "Brno"});
  table.add({"Li", "Reykjavík"});
  table.add({"a longer name", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(),
            "NAME           CITY\n"
            "Tomás          Brno\n"
            "Li             Reykjavík\n"
            "a longer name\n");
}

TEST(Table, HeadingsAlone) {
  std::ostringstream out;
  Table({"A", "B"}).print(out);
  EXPECT_EQ(out.str(), "A  B\n");
}

}  // namespace
}  // namespace spar::app
