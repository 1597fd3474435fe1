#include "engines/postgres/node_tree.h"

#include <gtest/gtest.h>

#include <string>

namespace spar::engines::postgres {
namespace {

constexpr const char* kQuery =
    "({QUERY :commandType 1 :querySource 0 :utilityStmt <> :rtable ({RTE :alias {ALIAS :aliasname "
    "a\\ b :colnames (\"\\:funcid\\ 7\" \"x\\)\")} :rtekind 0 :relid 16400 :relkind r}) "
    ":targetList "
    "({TARGETENTRY :expr {OPEXPR :opno 96 :opfuncid 65 :args ({VAR :varno 1 :varattno 2} {CONST "
    ":consttype 23 :constvalue 4 [ 1 0 0 0 ]})}} {TARGETENTRY :expr {ROWCOMPARE :rctype 1 :opnos "
    "(o 97 96) :opfamilies (o 1976)}} {TARGETENTRY :expr {FUNCEXPR :funcid 1299 :args <>}} "
    "{TARGETENTRY :expr {COERCEVIAIO :arg {VAR :varattno 1} :resulttype 16410}})})";

TEST(NodeTree, ListsWhatIsUsed) {
  const TreeUse use = read_node_tree(kQuery);
  EXPECT_EQ(use.functions, (std::vector{Oid{1299}}));
  EXPECT_EQ(use.operators, (std::vector{Oid{96}, Oid{97}}));
  EXPECT_EQ(use.relations, (std::vector{Oid{16400}}));
  EXPECT_EQ(use.types, (std::vector{Oid{16410}}));
  EXPECT_FALSE(use.system_column);
  EXPECT_FALSE(use.unreviewed);
}

TEST(NodeTree, WhatIsNotKnownIsUnreviewed) {
  EXPECT_TRUE(read_node_tree("").unreviewed);
  EXPECT_TRUE(read_node_tree("select 1").unreviewed);
  EXPECT_TRUE(read_node_tree("{ROWMARKCLAUSE :rti 1}").unreviewed);
  EXPECT_TRUE(read_node_tree("{QUERY :commandType 3}").unreviewed);
  EXPECT_TRUE(read_node_tree("{FUNCEXPR :funcid nextval}").unreviewed);
  EXPECT_TRUE(read_node_tree("{FUNCEXPR :funcid").unreviewed);
  EXPECT_TRUE(read_node_tree("{NEWNODE}").unreviewed);
  EXPECT_TRUE(read_node_tree("{VAR :varattno -1}").system_column);
}

TEST(NodeTree, ACutTreeNeverLooksWhole) {
  const std::string whole = kQuery;
  for (std::size_t bytes = 0; bytes + 2 < whole.size(); ++bytes) {
    EXPECT_TRUE(read_node_tree(whole.substr(0, bytes)).unreviewed) << bytes;
  }
}

}  // namespace
}  // namespace spar::engines::postgres
