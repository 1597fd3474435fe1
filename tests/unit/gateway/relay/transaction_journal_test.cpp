#include "gateway/relay/transaction_journal.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/client_bytes.h"

namespace spar::gateway::relay {
namespace {

Digest digest_of(const std::vector<std::string>& messages, std::size_t piece = 0) {
  DigestReader reader;
  Framer framer(Side::server, {.small_bytes_max = 100});
  std::string all;
  for (const std::string& message : messages) all += message;
  std::string kept;
  for (std::size_t at = 0; at < all.size(); at += piece == 0 ? all.size() : piece) {
    kept += piece == 0 ? all : all.substr(at, piece);
    std::string_view in = kept;
    while (auto frame = framer.next(in).value()) reader.add(*frame);
    kept = std::string(in);
  }
  EXPECT_TRUE(reader.between());
  return reader.digest();
}

std::string row(std::string_view value) {
  return test::message('D', value);
}
std::string error(std::string_view sqlstate, std::string_view message) {
  return test::message(
      'E', "C" + std::string(sqlstate) + '\0' + "M" + std::string(message) + '\0' + '\0');
}

TEST(Digest, IsThatOfABag) {
  EXPECT_EQ(digest_of({row("a"), row("b"), row("b")}), digest_of({row("b"), row("a"), row("b")}));
  EXPECT_NE(digest_of({row("a"), row("b"), row("b")}), digest_of({row("a"), row("a"), row("b")}));
  EXPECT_NE(digest_of({row("a"), row("a")}), digest_of({row("b"), row("b")}));
  EXPECT_NE(digest_of({row("a")}), digest_of({row("a"), row("a")}));
  EXPECT_NE(digest_of({row("ab"), row("c")}), digest_of({row("a"), row("bc")}));
}

TEST(Digest, LooksAtTheSqlstateOfAnErrorAndAtNoDescription) {
  EXPECT_EQ(digest_of({error("22012", "division by zero")}),
            digest_of({error("22012", "division durch null")}));
  EXPECT_NE(digest_of({error("22012", "x")}), digest_of({error("23505", "x")}));
  EXPECT_EQ(digest_of({test::message('T', "one")}), digest_of({test::message('T', "two")}));
  EXPECT_NE(digest_of({test::message('T', "one")}), Digest());
}

TEST(Digest, IsTheSameWhereverPiecesEnd) {
  const std::vector<std::string> rows = {row(std::string(500, 'x')), row("short"),
                                         row(std::string(300, 'y'))};
  for (std::size_t piece : {7, 64, 333}) EXPECT_EQ(digest_of(rows, piece), digest_of(rows));
  EXPECT_NE(digest_of({row(std::string(500, 'x'))}), digest_of({row(std::string(499, 'x') + 'y')}));
}

TEST(Journal, KeepsMessagesByTheirNumber) {
  TransactionJournal journal(100'000);
  EXPECT_TRUE(journal.empty());
  const std::uint32_t first = journal.push({.what = Expect::query}, "one");
  const std::uint32_t second = journal.push({.what = Expect::execute}, "two");
  journal.append(" and more");
  EXPECT_EQ(journal.message(journal.at(first)), "one");
  EXPECT_EQ(journal.message(journal.at(second)), "two and more");
  journal.drop_through(first);
  EXPECT_EQ(journal.find(first), nullptr);
  EXPECT_EQ(journal.message(*journal.find(second)), "two and more");
  journal.drop_through(second);
  EXPECT_TRUE(journal.empty());
  EXPECT_GT(journal.push({}, "three"), second);
}

TEST(Journal, GivesUpWhatIsTooLarge) {
  TransactionJournal journal(10'000);
  const std::uint32_t first = journal.push({}, "small");
  EXPECT_NE(first, 0u);
  EXPECT_EQ(journal.push({}, std::string(10'000, 'x')), 0u);
  EXPECT_TRUE(journal.overflowed());
  EXPECT_FALSE(journal.empty());
  EXPECT_EQ(journal.find(first), nullptr);
  EXPECT_EQ(journal.push({}, "small"), 0u);
  journal.append("nor this");
  journal.clear();
  EXPECT_TRUE(journal.empty());
  EXPECT_NE(journal.push({}, "again"), 0u);
}

TEST(Journal, KeepsNoMoreThanWhatIsLeft) {
  TransactionJournal journal(1u << 20);
  std::uint32_t last = journal.push({}, std::string(1000, '0'));
  for (int i = 0; i < 10'000; ++i) {
    const std::uint32_t next = journal.push({}, std::string(1000, static_cast<char>('a' + i % 26)));
    ASSERT_NE(next, 0u);
    journal.drop_through(last);
    ASSERT_EQ(journal.message(journal.at(next))[0], static_cast<char>('a' + i % 26));
    last = next;
  }
}

}  // namespace
}  // namespace spar::gateway::relay
