#include "gateway/copy_lines.h"

#include <gtest/gtest.h>

namespace spar::gateway {
namespace {

const query::CopyFormat kText{};
const query::CopyFormat kCsv{.csv = true, .delimiter = ',', .null_text = ""};

std::vector<std::string> read(const query::CopyFormat& format, std::string_view data,
                              std::size_t piece) {
  CopyLines lines(format, 1u << 20);
  std::vector<std::string> out;
  auto drain = [&] {
    for (;;) {
      auto line = lines.next();
      if (!line) {
        out.push_back("error " + line.error().message);
        return false;
      }
      if (!*line) return true;
      out.push_back(std::to_string(lines.number()) + ":" + std::string(**line));
    }
  };
  while (!data.empty()) {
    lines.feed(data.substr(0, piece));
    data.remove_prefix(std::min(piece, data.size()));
    if (!drain()) return out;
  }
  lines.close();
  drain();
  return out;
}

void expect_lines(const query::CopyFormat& format, std::string_view data,
                  const std::vector<std::string>& lines) {
  for (std::size_t piece = 1; piece <= data.size() + 1; ++piece) {
    EXPECT_EQ(read(format, data, piece), lines) << data << " in pieces of " << piece;
  }
}

using Lines = std::vector<std::string>;

TEST(CopyLines, TakesTheThreeLineEnds) {
  expect_lines(kText, "a\nb\n", Lines{"1:a", "2:b"});
  expect_lines(kText, "a\r\nb\r\n", Lines{"1:a", "2:b"});
  expect_lines(kText, "a\rb\r", Lines{"1:a", "2:b"});
  expect_lines(kText, "a\nb", Lines{"1:a", "2:b"});
  expect_lines(kText, "", Lines{});
  expect_lines(kText, "\n\n", Lines{"1:", "2:"});
}

TEST(CopyLines, StopsAtTheEndMarker) {
  expect_lines(kText, "a\n\\.\nb\n", Lines{"1:a"});
  expect_lines(kCsv, "a\n\\.\nb\n", Lines{"1:a"});
  expect_lines(kText, "a\n\\.", Lines{"1:a"});
}

TEST(CopyLines, KeepsEscapedLineEnds) {
  expect_lines(kText, "a\\\nb\nc\n", Lines{"2:a\\\nb", "3:c"});
  expect_lines(kText, "a\\\\\nb\n", Lines{"1:a\\\\", "2:b"});
}

TEST(CopyLines, KeepsLineEndsInsideQuotes) {
  expect_lines(kCsv, "1,\"a\nb\"\n2,c\n", Lines{"2:1,\"a\nb\"", "3:2,c"});
  expect_lines(kCsv, "1,\"a\"\"\nb\"\n", Lines{"2:1,\"a\"\"\nb\""});
  query::CopyFormat backslash = kCsv;
  backslash.escape = '\\';
  expect_lines(backslash, "1,\"a\\\"\nb\"\nc\n", Lines{"2:1,\"a\\\"\nb\"", "3:c"});
}

TEST(CopyLines, RefusesMixedLineEnds) {
  expect_lines(kText, "a\nb\rc\n", Lines{"1:a", "error literal carriage return found in data"});
  expect_lines(kText, "a\r\nb\n", Lines{"1:a", "error literal newline found in data"});
  expect_lines(kCsv, "a\r\nb\n", Lines{"1:a", "error unquoted newline found in data"});
}

TEST(CopyLines, LimitsALine) {
  CopyLines lines(kText, 10);
  lines.feed("0123456789");
  EXPECT_EQ(lines.next().value(), std::nullopt);
  lines.feed("0");
  EXPECT_EQ(lines.next().error().sqlstate, "54000");
}

}  // namespace
}  // namespace spar::gateway
