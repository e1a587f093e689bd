// SPDX-License-Identifier: Apache-2.0
#include "storage/damaged_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>

#include "core/json.hpp"
#include "storage/segment_file.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;
namespace json = core::json;

fs::path damaged_folder(const fs::path& folder, core::Lane lane) {
  return folder / "damaged" / core::lane_name(lane);
}

std::string stem(const SalvagedSegment& salvaged) {
  return salvaged.file.empty() ? "missing-" + std::to_string(salvaged.first) : salvaged.file;
}

core::Error os_error(const char* what, const fs::path& path) {
  return fail(Errc::kIo, std::string(what) + " " + path.string() + ": " + std::strerror(errno));
}

Result<void> move(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) == 0 || errno == ENOENT) return {};
  return os_error("cannot set aside", from);
}

Result<void> make_folders(const fs::path& folder, core::Lane lane) {
  SLUICE_TRY(make_folder(folder / "damaged"));
  return make_folder(damaged_folder(folder, lane));
}

Result<void> write_durably(const fs::path& path, const std::string& content) {
  const fs::path half = path.string() + ".new";
  const int file = ::open(half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) return os_error("cannot write", half);
  const bool is_written =
      ::write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size()) &&
      ::fsync(file) == 0;
  const auto failed = is_written ? core::Error{} : os_error("cannot write", half);
  ::close(file);
  if (!is_written) return failed;
  if (std::rename(half.c_str(), path.c_str()) != 0) return os_error("cannot rename", half);
  return sync_folder(path.parent_path());
}

template <class T>
T number(const json::object& document, const char* key) {
  const json::value* value = document.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<T>() : T{};
}

std::string text(const json::object& document, const char* key) {
  const json::value* value = document.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

}  // namespace

Result<void> move_to_damaged(const fs::path& folder, core::Lane lane, const fs::path& segment) {
  SLUICE_TRY(make_folders(folder, lane));
  const fs::path to = damaged_folder(folder, lane) / segment.filename();
  // The database goes last: while it is there, the next start does all of this again.
  SLUICE_TRY(move(segment.string() + "-wal", to.string() + "-wal"));
  if (::unlink((segment.string() + "-shm").c_str()) != 0 && errno != ENOENT)
    return os_error("cannot remove", segment.string() + "-shm");
  SLUICE_TRY(move(segment, to));
  SLUICE_TRY(sync_folder(to.parent_path()));
  return sync_folder(segment.parent_path());
}

Result<void> write_report(const fs::path& folder, const SalvagedSegment& salvaged) {
  SLUICE_TRY(make_folders(folder, salvaged.lane));
  const fs::path base = damaged_folder(folder, salvaged.lane) / stem(salvaged);
  std::error_code ignored;
  for (const char* suffix : {".report", ".told"})
    if (fs::exists(base.string() + suffix, ignored)) return {};
  const json::object document{{"lane", core::lane_name(salvaged.lane)},
                              {"file", salvaged.file},
                              {"first", salvaged.first},
                              {"last", salvaged.last},
                              {"kept", salvaged.kept},
                              {"lost", salvaged.lost},
                              {"reason", salvaged.reason}};
  return write_durably(base.string() + ".report", core::to_json(document) + "\n");
}

std::vector<SalvagedSegment> read_reports(const fs::path& folder, Told told) {
  std::vector<SalvagedSegment> reports;
  for (const core::Lane lane : core::kLanes) {
    std::error_code error;
    for (fs::directory_iterator entry(damaged_folder(folder, lane), error), end;
         !error && entry != end; entry.increment(error)) {
      const auto kind = entry->path().extension();
      if (kind != ".report" && (kind != ".told" || told == Told::kNotYet)) continue;
      std::ifstream in(entry->path(), std::ios::binary);
      const auto parsed = core::parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
      if (!parsed || !parsed->is_object()) continue;
      const json::object& document = parsed->get_object();
      reports.push_back({lane, text(document, "file"), number<core::Seq>(document, "first"),
                         number<core::Seq>(document, "last"),
                         number<std::uint64_t>(document, "kept"),
                         number<std::uint64_t>(document, "lost"), text(document, "reason")});
    }
  }
  std::sort(reports.begin(), reports.end(), [](const auto& a, const auto& b) {
    return a.lane != b.lane ? a.lane < b.lane : a.first < b.first;
  });
  return reports;
}

Result<void> mark_told(const fs::path& folder, const SalvagedSegment& salvaged) {
  const fs::path base = damaged_folder(folder, salvaged.lane) / stem(salvaged);
  SLUICE_TRY(move(base.string() + ".report", base.string() + ".told"));
  return sync_folder(base.parent_path());
}

}  // namespace sluice::storage
