#include "query/functions/moment_pattern.h"

#include <optional>

#include "data/characters.h"

namespace spar::query::functions {
namespace {

struct Keyword {
  std::string_view text;  // upper case
  MomentField field;
  int digits = 0;
};

using enum MomentField;
// A longer one stands before those that begin like it.
constexpr Keyword kKeywords[] = {
    {"A.D.", era_dots},
    {"A.M.", meridian_dots},
    {"AD", era},
    {"AM", meridian},
    {"B.C.", era_dots},
    {"BC", era},
    {"CC", century},
    {"DAY", day_name},
    {"DDD", day_of_year},
    {"DD", day},
    {"DY", day_short},
    {"D", day_of_week},
    {"FF1", fraction, 1},
    {"FF2", fraction, 2},
    {"FF3", fraction, 3},
    {"FF4", fraction, 4},
    {"FF5", fraction, 5},
    {"FF6", fraction, 6},
    {"HH24", hour24},
    {"HH12", hour12},
    {"HH", hour12},
    {"IDDD", iso_day_of_year},
    {"ID", iso_day_of_week},
    {"IW", iso_week},
    {"IYYY", iso_year, 4},
    {"IYY", iso_year, 3},
    {"IY", iso_year, 2},
    {"I", iso_year, 1},
    {"J", julian},
    {"MI", minute},
    {"MM", month},
    {"MONTH", month_name},
    {"MON", month_short},
    {"MS", fraction, 3},
    {"OF", zone_offset},
    {"P.M.", meridian_dots},
    {"PM", meridian},
    {"Q", quarter},
    {"RM", month_roman},
    {"SSSSS", seconds_of_day},
    {"SSSS", seconds_of_day},
    {"SS", second},
    {"TZH", zone_hours},
    {"TZM", zone_minutes},
    {"TZ", zone_name},
    {"US", fraction, 6},
    {"WW", week_of_year},
    {"W", week_of_month},
    {"Y,YYY", year_comma},
    {"YYYY", year, 4},
    {"YYY", year, 3},
    {"YY", year, 2},
    {"Y", year, 1},
};

bool has_title(MomentField field) {
  return field == day_name || field == day_short || field == month_name || field == month_short;
}

// Keywords are written in one case; names of days and months also with a capital in front.
std::optional<LetterCase> case_of(std::string_view text, std::string_view upper, bool title) {
  bool is_upper = true, is_lower = true, is_title = title;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const char lower = data::to_lower(upper[i]);
    is_upper = is_upper && text[i] == upper[i];
    is_lower = is_lower && text[i] == lower;
    is_title = is_title && text[i] == (i == 0 ? upper[i] : lower);
  }
  if (is_upper) return LetterCase::upper;
  if (is_lower) return LetterCase::lower;
  if (is_title) return LetterCase::title;
  return std::nullopt;
}

class Cutter {
 public:
  explicit Cutter(std::string_view rest) : rest_(rest) {}

  std::vector<MomentPiece> run() {
    while (!rest_.empty()) {
      if (rest_[0] == '"') {
        quoted();
      } else if (!keyword()) {
        literal();
      }
    }
    return std::move(pieces_);
  }

 private:
  bool take(std::string_view upper) {
    if (rest_.size() < upper.size() || !case_of(rest_, upper, false)) return false;
    rest_.remove_prefix(upper.size());
    return true;
  }

  bool keyword() {
    const std::string_view before = rest_;
    MomentPiece piece;
    while (take("FM") || take("TM") || take("FX")) {
      piece.fill = piece.fill || data::to_upper(before[1]) == 'M';
    }
    for (const Keyword& candidate : kKeywords) {
      if (rest_.size() < candidate.text.size()) continue;
      const auto letters = case_of(rest_, candidate.text, has_title(candidate.field));
      if (!letters) continue;
      piece.field = candidate.field;
      piece.digits = candidate.digits;
      piece.letters = *letters;
      rest_.remove_prefix(candidate.text.size());
      if (rest_.starts_with("th")) piece.ordinal = "th";
      if (rest_.starts_with("TH")) piece.ordinal = "TH";
      rest_.remove_prefix(piece.ordinal.size());
      pieces_.push_back(std::move(piece));
      return true;
    }
    return rest_.size() != before.size();  // a prefix with nothing behind it says nothing
  }

  void quoted() {
    rest_.remove_prefix(1);
    MomentPiece piece;
    while (!rest_.empty() && rest_[0] != '"') {
      if (rest_[0] == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      piece.text.push_back(rest_[0]);
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    pieces_.push_back(std::move(piece));
  }

  void literal() {
    if (rest_.starts_with("\\\"")) rest_.remove_prefix(1);
    const char c = rest_[0];
    MomentPiece piece;
    piece.text = rest_.substr(0, data::character_bytes(c));
    piece.separator = piece.text.size() == 1 && !data::is_letter(c) && !data::is_digit(c);
    rest_.remove_prefix(piece.text.size());
    pieces_.push_back(std::move(piece));
  }

  std::string_view rest_;
  std::vector<MomentPiece> pieces_;
};

}  // namespace

std::vector<MomentPiece> cut_moment_pattern(std::string_view pattern) {
  return Cutter(pattern).run();
}

}  // namespace spar::query::functions
