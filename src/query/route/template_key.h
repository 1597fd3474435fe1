// query/route/template_key.h: the name under which a statement's route is remembered.
//
// Contract    template_key() reads a query string once and gives a 128-bit hash of its tokens, as
//             PostgreSQL's scanner cuts them, without comments and white space, unquoted words in
//             lower case, and every literal replaced by its kind (whole number, other number,
//             string, bit string, hexadecimal bit string). $1, "quoted" names, operators, signs and
//             semicolons stay. No allocation.
// Invariants  I1 Two texts with one key that both parse have equal routes (classify.h).
//             A text that does not parse may share the key of one that does (float(1), float(99)):
//             the server refuses it wherever it arrives.
// Excluded    No template, so that exact_key() is the key, for what the lexer refuses and wherever
//             a literal decides or is part of the route:
//               SET             name and value are tracked; SET TRANSACTION SNAPSHOT 'id'
//               EXPLAIN         EXPLAIN (ANALYZE 0), (ANALYZE 'on')
//               COPY            a file named '' looks like STDIN in the parse tree
//               PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED: the transaction's name
//               set_config      anywhere, also quoted: tracked like SET
//               current_setting anywhere, also quoted: some settings differ on a standby
//             and for U&"..." (escapes may spell any name, those two included), U&'...' with a
//             backslash or UESCAPE, E'...' with a number after a backslash, 1 MiB and more.
//             Not excluded, as no literal matters: LIMIT, OFFSET, FETCH, nextval('s'),
//             pg_advisory_lock(1), '...'::regclass, interval '1 day', LOAD, NOTIFY, DO.
// Encoding    lexer.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace spar::query::route {

struct TemplateKey {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const TemplateKey&, const TemplateKey&) = default;
};

struct KeyOptions {
  bool standard_conforming_strings = true;  // the session's setting
  // Keys of different seeds have nothing to do with each other. Random, and unknown to clients, as
  // the hash alone resists nobody who looks for two texts with one key.
  std::uint64_t seed = 0;
};

std::optional<TemplateKey> template_key(std::string_view text, const KeyOptions& options);
// Of every byte. Never equal to a template's key but by chance.
TemplateKey exact_key(std::string_view text, const KeyOptions& options);

}  // namespace spar::query::route
