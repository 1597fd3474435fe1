// query/session_effects.h: what a query string leaves behind in its session, beyond its answer.
//
// Contract    A gateway that lends server connections to sessions must know what stays on the
//             connection: settings, which can be repeated elsewhere, and what cannot (temporary
//             tables, LISTEN, session locks ...), which holds the session to its connection.
//             Nothing: the text leaves nothing. Most texts are told by a scan of their words; the
//             grammar runs only for statements that may leave something. What cannot be understood
//             (a syntax error here, a text longer than the limit) is said to hold.
// Limits      Functions and procedures that do such things inside are not seen. Texts are read
//             with standard_conforming_strings on.
// Threads     Pure function and immutable values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "query/statement.h"

namespace spar::query {

// What keeps a session on one connection, as bits.
enum Hold : std::uint8_t {
  kHoldTemporary = 1,  // temporary tables, views, functions
  kHoldListen = 2,
  kHoldLock = 4,  // session advisory locks
  kHoldCursor = 8,
  kHoldPrepared = 16,  // SQL's PREPARE
  kHoldSetting = 32,   // a setting that cannot be repeated
  kHoldUnknown = 64,
};
std::string describe_holds(std::uint8_t holds);  // "temporary tables, LISTEN"

struct SessionEffect {
  enum class Kind : std::uint8_t {
    set,    // name; statement repeats it
    reset,  // name: to its default
    reset_all,
    hold,    // holds
    let_go,  // holds
    discard_all,
    deallocate,  // name
    deallocate_all,
    rollback_to,  // a savepoint: settings since then are undone
  };
  Kind kind = Kind::hold;
  std::string name = {};  // of settings in lower case
  std::string statement = {};
  std::uint8_t holds = 0;
};

struct SessionEffects {
  std::vector<SessionEffect> list;
  bool single = true;  // the text is one statement
};

struct EffectLimits {
  std::size_t text_bytes_max = 256u << 10;  // longer texts are not given to the grammar
  ParseLimits parse;
};

std::shared_ptr<const SessionEffects> session_effects(std::string_view sql,
                                                      const EffectLimits& limits);

// The first half of it: false when no statement of the text can leave anything.
bool may_leave_effects(std::string_view sql);

// 'text', safe whatever standard_conforming_strings is; "name", part by part of a dotted name.
std::string quoted_literal(std::string_view text);
std::string quoted_setting_name(std::string_view name);

}  // namespace spar::query
