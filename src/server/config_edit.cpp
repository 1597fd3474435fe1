#include "server/config_edit.h"

#include <toml++/toml.h>
#include <algorithm>
#include <filesystem>
#include <sstream>
#include <vector>

#include "server/listen.h"

namespace spar::server {
namespace {

using Lines = std::vector<std::string>;

struct Block {  // lines [begin, end) of one [[cluster.copy]]
  std::size_t begin = 0, end = 0;
};

Lines split(const std::string& text) {
  Lines lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string join(const Lines& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

bool begins_table(const std::string& line) {
  std::size_t first = line.find_first_not_of(" \t");
  return first != std::string::npos && line[first] == '[';
}

bool says_something(const std::string& line) {
  std::size_t first = line.find_first_not_of(" \t\r");
  return first != std::string::npos && line[first] != '#';
}

// From the header to the last key; comments behind it belong to what follows.
Block block_at(const Lines& lines, std::size_t header) {
  Block block{header, header + 1};
  for (std::size_t i = header + 1; i < lines.size() && !begins_table(lines[i]); ++i) {
    if (says_something(lines[i])) block.end = i + 1;
  }
  return block;
}

Failure not_understood(const std::string& file, const std::string& change) {
  Failure out = failure(Code::invalid, file + ": cannot " + change + " in a file of this form");
  out.error().hint = "change its [[cluster.copy]] tables by hand";
  return out;
}

// Where the table of copy `index` of a cluster begins, as a 0-based line.
std::size_t line_of(const std::string& text, const std::string& cluster, std::size_t index) {
  toml::table root = toml::parse(text);
  for (const toml::node& node : *root["cluster"].as_array()) {
    const toml::table& table = *node.as_table();
    if (table["name"].value_or(std::string()) != cluster) continue;
    return table["copy"][index].node()->source().begin.line - 1;
  }
  return 0;
}

std::vector<std::string> copy_names(const Config& config) {
  std::vector<std::string> names;
  for (const ClusterConfig& cluster : config.clusters) {
    for (const CopyConfig& copy : cluster.copies) {
      names.push_back(cluster.name + "/" + copy.name + "=" + copy.path + " " + copy.address.text());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// As it will be read again: relative to the file when it lies below the file's directory.
std::string path_as_written(const std::string& file, const std::string& path) {
  std::filesystem::path base = std::filesystem::absolute(file).parent_path().lexically_normal();
  std::string relative = std::filesystem::path(path).lexically_relative(base).string();
  return relative.empty() || relative.starts_with("..") ? path : relative;
}

Lines block_for(const std::string& file, const CopyConfig& copy) {
  Lines block = {"[[cluster.copy]]", "name = " + quoted(copy.name),
                 "engine = " + quoted(copy.engine)};
  if (copy.is_server()) block.push_back("address = " + quoted(copy.address.text()));
  if (!copy.path.empty()) {
    block.push_back("path = " + quoted(path_as_written(file, copy.path)));
  }
  if (!copy.programs.empty()) block.push_back("programs = " + quoted(copy.programs));
  if (const Listener& at = copy.agent.at; at.on()) {
    block.push_back("agent = " + quoted(to_string(at)));
    if (copy.agent.name != at.host) block.push_back("agent_name = " + quoted(copy.agent.name));
  }
  if (copy.replica_only) block.push_back("role = \"replica\"");
  return block;
}

// The edit is only worth anything when the file then says exactly what was asked for.
Result<std::string> proven(const Lines& lines, const std::string& file, const Config& wanted,
                           const std::string& change) {
  std::string text = join(lines);
  SPAR_ASSIGN(Config got, parse_config(text, file));
  if (copy_names(got) != copy_names(wanted)) return not_understood(file, change);
  return text;
}

ClusterConfig& cluster_named(Config& config, const std::string& name) {
  return *std::find_if(config.clusters.begin(), config.clusters.end(),
                       [&](const ClusterConfig& cluster) { return cluster.name == name; });
}

}  // namespace

Result<std::string> add_copy(const std::string& text, const std::string& file,
                             const std::string& cluster, const CopyConfig& copy) {
  SPAR_ASSIGN(Config config, parse_config(text, file));
  const ClusterConfig* found = config.find_cluster(cluster);
  if (found == nullptr) return failure(Code::invalid, file + " has no cluster \"" + cluster + "\"");
  Lines lines = split(text);
  std::size_t header = line_of(text, cluster, found->copies.size() - 1);
  Block last = block_at(lines, header);
  Lines block = block_for(file, copy);
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(last.end), block.begin(), block.end());
  cluster_named(config, cluster).copies.push_back(copy);
  return proven(lines, file, config, "add copy \"" + copy.name + "\"");
}

Result<std::string> remove_copy(const std::string& text, const std::string& file,
                                const std::string& cluster, const std::string& name) {
  SPAR_ASSIGN(Config config, parse_config(text, file));
  if (config.find_cluster(cluster) == nullptr) {
    return failure(Code::invalid, file + " has no cluster \"" + cluster + "\"");
  }
  std::vector<CopyConfig>& copies = cluster_named(config, cluster).copies;
  auto found = std::find_if(copies.begin(), copies.end(),
                            [&](const CopyConfig& copy) { return copy.name == name; });
  if (found == copies.end()) return failure(Code::invalid, file + " has no copy \"" + name + "\"");
  Lines lines = split(text);
  std::size_t header = line_of(text, cluster, static_cast<std::size_t>(found - copies.begin()));
  Block block = block_at(lines, header);
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(block.begin),
              lines.begin() + static_cast<std::ptrdiff_t>(block.end));
  copies.erase(found);
  return proven(lines, file, config, "remove copy \"" + name + "\"");
}

}  // namespace spar::server
