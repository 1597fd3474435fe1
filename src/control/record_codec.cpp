// The text form of the record: a first line with format and checksum, then JSON for people.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cinttypes>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "control/limits.h"
#include "control/record.h"

namespace spar::control {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kMagic = "spar-cluster-record 1 ";
constexpr std::size_t kHeadBytes = kMagic.size() + 16 + 1;

std::string checksum(std::string_view body) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, XXH3_64bits(body.data(), body.size()));
  return digits;
}

Json to_json(const Member& member) {
  return Json{{"id", member.id.value},
              {"name", member.name},
              {"engine", member.engine},
              {"location", member.location},
              {"may_be_primary", member.may_be_primary}};
}

Json to_json(const Record& record) {
  Json json{{"version", record.version},
            {"cluster_id", spar::to_string(record.cluster_id)},
            {"incarnation", record.incarnation.value},
            {"epoch", record.epoch.value},
            {"primary", record.primary.value},
            {"synchronous", Json::array()},
            {"mirrors", record.mirrors},
            {"durability", to_string(record.durability)},
            {"paused", record.paused},
            {"members", Json::array()},
            {"next_copy", record.next_copy.value},
            {"history", Json::array()},
            {"comparable_from", record.comparable_from.value}};
  for (CopyId copy : record.synchronous) json["synchronous"].push_back(copy.value);
  for (const Member& member : record.members) json["members"].push_back(to_json(member));
  for (const Fork& fork : record.history) {
    json["history"].push_back(Json{{"epoch", fork.epoch.value}, {"after", fork.after.value}});
    const auto note = record.fork_notes.find(fork.epoch);
    if (note != record.fork_notes.end()) json["history"].back()["note"] = note->second;
  }
  return json;
}

// The readers below throw Json::exception; decode() catches it. Values that do not fit their type
// are found when the record is encoded again.
template <class Id>
Id id_of(const Json& json) {
  return Id{json.get<decltype(Id::value)>()};
}

Durability durability_of(const Json& json) {
  const auto text = json.get<std::string>();
  for (Durability d : {Durability::mirrored, Durability::mirrored_strict}) {
    if (text == to_string(d)) return d;
  }
  return Durability::async;
}

Member member_of(const Json& json) {
  return Member{.id = id_of<CopyId>(json.at("id")),
                .name = json.at("name").get<std::string>(),
                .engine = json.at("engine").get<std::string>(),
                .location = json.at("location").get<std::string>(),
                .may_be_primary = json.at("may_be_primary").get<bool>()};
}

Record record_of(const Json& json) {
  Record record;
  record.version = json.at("version").get<std::uint64_t>();
  parse_cluster_id(json.at("cluster_id").get<std::string>(), record.cluster_id);
  record.incarnation = id_of<Incarnation>(json.at("incarnation"));
  record.epoch = id_of<Epoch>(json.at("epoch"));
  record.primary = id_of<CopyId>(json.at("primary"));
  for (const Json& copy : json.at("synchronous")) record.synchronous.push_back(id_of<CopyId>(copy));
  record.mirrors = json.at("mirrors").get<std::uint32_t>();
  record.durability = durability_of(json.at("durability"));
  record.paused = json.at("paused").get<bool>();
  for (const Json& member : json.at("members")) record.members.push_back(member_of(member));
  record.next_copy = id_of<CopyId>(json.at("next_copy"));
  for (const Json& fork : json.at("history")) {
    record.history.push_back({id_of<Epoch>(fork.at("epoch")), id_of<Sequence>(fork.at("after"))});
    if (!fork.contains("note")) continue;
    record.fork_notes[record.history.back().epoch] = fork.at("note").get<std::string>();
  }
  record.comparable_from = id_of<Epoch>(json.at("comparable_from"));
  return record;
}

Failure corrupt(std::string why) {
  return failure(Code::corrupt, "the cluster record is damaged: " + std::move(why), "XX001");
}

}  // namespace

Result<std::string> encode(const Record& record) {
  SPAR_TRY(validate(record));
  try {
    std::string body = to_json(record).dump(2) + "\n";
    std::string text = std::string(kMagic) + checksum(body) + "\n" + body;
    if (text.size() > kRecordBytesMax) return failure(Code::invalid, "the record is too large");
    return text;
  } catch (const Json::exception&) {  // the only cause
    return failure(Code::invalid, "a copy's name or location is not UTF-8");
  }
}

Result<Record> decode(std::string_view text) {
  if (text.size() > kRecordBytesMax) return corrupt("it is too large");
  if (text.size() < kHeadBytes || !text.starts_with(kMagic) || text[kHeadBytes - 1] != '\n') {
    return corrupt("its first line is not that of a record");
  }
  const std::string_view stored = text.substr(kMagic.size(), 16);
  const std::string_view body = text.substr(kHeadBytes);
  if (std::string expected = checksum(body); stored != expected) {
    return corrupt("its checksum says " + std::string(stored) + ", its text gives " + expected);
  }
  try {
    const Json json = Json::parse(body);
    Record record = record_of(json);
    auto again = encode(record);
    if (!again) return corrupt(again.error().message);
    if (*again != text) return corrupt("it is not written as Spar writes it");
    return record;
  } catch (const Json::exception&) {
    return corrupt("its text is not a record");
  }
}

}  // namespace spar::control
