#include "tests/powercut/kept_state.h"

#include <filesystem>
#include <fstream>

namespace spar::test {
namespace {

constexpr std::size_t kFileBytesMax = 256u << 20;

// Everything below `path` of the disk in memory, to the same place below `root`.
void save(storage::Disk& disk, const std::string& path, const std::string& root) {
  if (auto bytes = storage::read_file(disk, path, kFileBytesMax)) {
    std::ofstream(root + path, std::ios::binary) << *bytes;
    return;
  }
  std::filesystem::create_directories(root + path);
  auto names = disk.list(path);
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    save(disk, path + "/" + name, root);
  }
}

void load(storage::Disk& disk, const std::string& root) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    std::string path = entry.path().string().substr(root.size());
    if (entry.is_directory()) {
      disk.make_directory(path).value();
      continue;
    }
    std::ifstream in(entry.path(), std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    disk.make_directory(storage::parent_directory(path)).value();
    disk.open(path, storage::OpenMode::create).value()->write(0, bytes).value();
  }
}

}  // namespace

void keep_state(const State& state, const std::string& directory) {
  std::filesystem::remove_all(directory);
  save(*state.disk, "/cluster", directory + "/disk");
  std::ofstream out(directory + "/expected");
  out << state.shop << ' ' << state.payments.size() << '\n';
  for (const auto& [number, count] : state.payments) out << number << ' ' << count << '\n';
  for (std::int64_t number : state.acknowledged) out << number << '\n';
}

State kept_state(const std::string& directory) {
  State state;
  RecordingDisk loaded;
  load(loaded, directory + "/disk");
  state.disk = loaded.clone();
  std::ifstream in(directory + "/expected");
  std::size_t tried = 0;
  in >> state.shop >> tried;
  std::int64_t number = 0;
  for (std::int64_t count = 0; tried > 0 && in >> number >> count; --tried) {
    state.payments[number] = count;
  }
  while (in >> number) state.acknowledged.push_back(number);
  return state;
}

}  // namespace spar::test
