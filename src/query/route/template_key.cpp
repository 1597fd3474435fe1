#include "query/route/template_key.h"

#define XXH_STATIC_LINKING_ONLY  // the streaming state on the stack
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "query/route/lexer.h"

namespace spar::query::route {
namespace {

// What stands for a token that is no word. No token begins with one of these, and words, operators
// and quoted names begin with a space: the bytes of two token lists differ when the lists do.
constexpr char kLiteralMarks[] = {'\1', '\2', '\3', '\4', '\5', '\6'};  // by Literal
constexpr char kNationalMark = '\7';
constexpr char kCastMark = '\x0e';
constexpr char kAssignMark = '\x0f';
constexpr char kRangeMark = '\x10';

char fold(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Hashes what fits into one block in one go, and more of it block by block.
class Hasher {
 public:
  explicit Hasher(std::uint64_t seed) : seed_(seed) {}

  void byte(char c) {
    if (used_ == kBlock) flush();
    block_[used_++] = c;
  }
  void bytes(const char* begin, const char* end) {
    while (begin < end) {
      if (used_ == kBlock) flush();
      const std::size_t n = std::min(static_cast<std::size_t>(end - begin), kBlock - used_);
      std::memcpy(block_ + used_, begin, n);
      used_ += n;
      begin += n;
    }
  }
  // A space and the word in lower case, which is returned unless it is longer than any that
  // matters.
  std::string_view word(const char* begin, const char* end, const char* text_end) {
    const auto length = static_cast<std::size_t>(end - begin);
    if (length + kSlack > kBlock - used_) {
      if (length + kSlack > kBlock) return long_word(begin, end);
      flush();
    }
    char* const out = block_ + used_ + 1;
    out[-1] = ' ';
    const char* p = begin;
    for (; p < end && text_end - p >= kLane; p += kLane) lex::fold_lane(out + (p - begin), p);
    for (; p < end; ++p) out[p - begin] = fold(*p);
    used_ += length + 1;
    return {out, length};
  }
  TemplateKey finish() {
    XXH128_hash_t hash;
    if (streaming_) {
      flush();
      hash = XXH3_128bits_digest(&state_);
    } else {
      hash = XXH3_128bits_withSeed(block_, used_, seed_);
    }
    return {hash.low64, hash.high64};
  }

 private:
  static constexpr std::size_t kBlock = 1024;
  static constexpr std::ptrdiff_t kLane = lex::kLane;
  static constexpr std::size_t kSlack = 1 + lex::kLane;  // a word's space, and what follows it

  [[gnu::noinline, gnu::cold]] std::string_view long_word(const char* begin, const char* end) {
    byte(' ');
    for (; begin < end; ++begin) byte(fold(*begin));
    return {};
  }
  [[gnu::noinline, gnu::cold]] void flush() {
    if (!streaming_) XXH3_128bits_reset_withSeed(&state_, seed_);
    streaming_ = true;
    XXH3_128bits_update(&state_, block_, used_);
    used_ = 0;
  }

  std::uint64_t seed_;
  std::size_t used_ = 0;
  bool streaming_ = false;
  char block_[kBlock];
  XXH3_state_t state_;
};

// Words that may exclude a template.
constexpr std::string_view kExcluding[] = {"copy",       "current_setting", "explain",
                                           "prepare",    "prepared",        "set",
                                           "set_config", "transaction",     "uescape"};
// A bit for each of their lengths, by the first letter of either case.
constexpr std::array<std::uint16_t, 32> kLengths = [] {
  std::array<std::uint16_t, 32> lengths{};
  for (const std::string_view word : kExcluding) {
    lengths[word.front() & 31] |= static_cast<std::uint16_t>(1U << word.size());
  }
  return lengths;
}();

// Writes the template of what the lexer finds; false where a literal may matter.
class Writer {
 public:
  Writer(std::string_view text, std::uint64_t seed)
      : text_end_(text.data() + text.size()), hasher_(seed) {}

  [[gnu::always_inline]] bool word(const char* begin, const char* end) {
    const std::string_view folded = hasher_.word(begin, end, text_end_);
    const Place place = place_;
    place_ = Place::inside;
    const std::size_t length = folded.size();
    const bool may_matter = length < 16 && (kLengths[*begin & 31] >> length & 1) != 0;
    return !may_matter || allowed(folded, place);
  }
  bool quoted(const char* begin, const char* end) {
    const std::string_view name(begin, static_cast<std::size_t>(end - begin));
    if (name == "\"set_config\"" || name == "\"current_setting\"") return false;
    return kept(begin, end);
  }
  bool national(const char*, const char*) { return mark(kNationalMark); }
  bool parameter(const char* begin, const char* end) { return kept(begin, end); }
  bool operation(const char* begin, const char* end) { return kept(begin, end); }
  bool literal(Literal literal, const char*, const char*) {
    return mark(kLiteralMarks[static_cast<std::size_t>(literal)]);
  }
  bool punctuation(const char* begin, const char* end) {
    if (end - begin == 1) {
      hasher_.byte(*begin);
    } else if (*begin == '.') {
      hasher_.byte(kRangeMark);
    } else {
      hasher_.byte(begin[1] == ':' ? kCastMark : kAssignMark);
    }
    place_ = *begin == ';' ? Place::start : Place::inside;
    return true;
  }
  TemplateKey finish() { return hasher_.finish(); }

 private:
  enum class Place : std::uint8_t { start, after_prepare, inside };  // in a statement

  bool allowed(std::string_view folded, Place place) {
    if (folded == "uescape" || folded == "set_config" || folded == "current_setting" ||
        folded == "prepared") {
      return false;
    }
    if (place == Place::after_prepare) return folded != "transaction";
    if (place != Place::start) return true;
    if (folded == "prepare") place_ = Place::after_prepare;
    return folded != "set" && folded != "copy" && folded != "explain";
  }
  bool mark(char c) {
    hasher_.byte(c);
    place_ = Place::inside;
    return true;
  }
  bool kept(const char* begin, const char* end) {
    hasher_.byte(' ');
    hasher_.bytes(begin, end);
    place_ = Place::inside;
    return true;
  }

  const char* text_end_;
  Hasher hasher_;
  Place place_ = Place::start;
};

}  // namespace

// One function, so that the places in text and block stay in registers (a fifth faster).
[[gnu::flatten]] std::optional<TemplateKey> template_key(std::string_view text,
                                                         const KeyOptions& options) {
  if (text.size() >= kTemplateBytesMax) return std::nullopt;
  Writer writer(text, options.seed);
  Lexer<Writer> lexer(text, options.standard_conforming_strings, writer);
  if (!lexer.run()) return std::nullopt;
  return writer.finish();
}

TemplateKey exact_key(std::string_view text, const KeyOptions& options) {
  // Another seed than a template's; strings read both ways are two texts.
  const std::uint64_t seed = ~options.seed - (options.standard_conforming_strings ? 0 : 1);
  const XXH128_hash_t hash = XXH3_128bits_withSeed(text.data(), text.size(), seed);
  return {hash.low64, hash.high64};
}

}  // namespace spar::query::route
