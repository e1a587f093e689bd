// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_health.hpp"

#include <vector>

#include "core/limits.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_pages.hpp"

namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

Result<void> check_segment_head(const SegmentHead& head, const SegmentFile& file,
                                const std::string& gateway, core::Lane lane) {
  if (head.gateway != gateway)
    return fail(Errc::kConfig,
                file.path.string() + " belongs to gateway '" + head.gateway +
                    "', the configuration names '" + gateway + "'",
                "gateway");
  if (head.lane != lane || head.first_seq != file.first)
    return fail(Errc::kCorrupt, file.path.string() +
                                    " was moved or renamed: it is the segment of "
                                    "lane " +
                                    std::string(core::lane_name(head.lane)) + " from seq " +
                                    std::to_string(head.first_seq));
  return {};
}

Result<Seq> check_segment_rows(SegmentReader& reader, Seq last) {
  const auto note = load_salvage_note(reader.database());
  if (!note) return note.error();
  const Seq end = *note ? (*note)->last : last;
  const auto missing = [&](Seq seq) {
    return fail(Errc::kCorrupt, reader.path().string() + ": the event with seq " +
                                    std::to_string(seq) + " is missing");
  };
  Seq next = reader.head().first_seq;
  std::uint64_t rows = 0;
  for (;;) {
    std::vector<Record> page;
    SLUICE_TRY(
        reader.read(next, end == 0 ? INT64_MAX : end, core::limits::kReaderRows, 1u << 20, page));
    if (page.empty()) break;
    for (const Record& record : page) {
      if (record.seq != next && !*note) return missing(next);
      next = record.seq + 1;
      ++rows;
    }
  }
  if (*note && rows != (*note)->kept) return missing(next);
  if (!*note && end != 0 && next != end + 1) return missing(next);
  return *note ? end : next - 1;
}

bool is_damage(const core::Error& error, const std::filesystem::path& path) {
  if (error.code == Errc::kCorrupt) return true;
  if (error.code != Errc::kIo) return false;
  auto pages = SegmentPages::open(path);
  if (!pages) return false;
  (void)pages->rows();
  return pages->refused() > 0;
}

Result<void> check_formats(const std::filesystem::path& folder) {
  for (const core::Lane lane : core::kLanes) {
    const auto files = list_segments(lane_folder(folder, lane));
    if (!files) continue;
    for (const SegmentFile& file : *files) {
      const auto format = SegmentPages::format(file.path);
      if (!format || format->application != kSegmentApplication ||
          format->version <= kSegmentFormat)
        continue;
      return fail(Errc::kUnsupported, file.path.string() + " has log format " +
                                          std::to_string(format->version) +
                                          ", this program knows " + std::to_string(kSegmentFormat) +
                                          ": use a newer Sluice");
    }
  }
  return {};
}

}  // namespace sluice::storage
