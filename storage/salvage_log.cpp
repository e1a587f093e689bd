// SPDX-License-Identifier: Apache-2.0
#include "storage/salvage_log.hpp"

#include "core/codec/event_codec.hpp"
#include "storage/folder_lock.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_health.hpp"
#include "storage/segment_pages.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using core::Seq;

struct Place {
  Lane lane = Lane::kTelemetry;
  std::vector<SegmentFile> files;  // oldest first
};

Result<std::vector<Place>> list_log(const std::filesystem::path& folder) {
  std::vector<Place> places;
  for (const Lane lane : core::kLanes) {
    auto files = list_segments(lane_folder(folder, lane));
    if (!files && files.error().code == Errc::kNotFound) continue;
    if (!files) return files.error();
    std::erase_if(*files, [](const SegmentFile& file) { return never_committed(file.path); });
    places.push_back({lane, std::move(*files)});
  }
  if (places.empty()) return fail(Errc::kNotFound, "there is no log in " + folder.string());
  return places;
}

// The name that most of the log goes by; a damaged head must not decide it.
Result<std::string> gateway_of(const std::vector<Place>& places) {
  for (const Place& place : places)
    for (const SegmentFile& file : place.files)
      if (const auto reader = SegmentReader::open(file.path, {})) return (*reader)->head().gateway;
  for (const Place& place : places)
    for (const SegmentFile& file : place.files) {
      auto pages = SegmentPages::open(file.path);
      if (!pages) continue;
      for (const auto& row : pages->rows()) {
        const auto body = pages->body(row);
        if (!body) continue;
        if (const auto event = codec::decode_trusted(*body)) return std::string(event->gateway);
      }
    }
  return fail(Errc::kCorrupt, "no segment and no event of this log can be read");
}

// What is wrong with it, if anything; the name of the segment before it otherwise.
Result<std::string> examine(const SegmentFile& file, const std::string& gateway, Lane lane,
                            Seq next_first, const std::string& next_previous) {
  if (SegmentPages::wal_broken(file.path))
    return fail(Errc::kCorrupt, file.path.string() + "-wal is damaged");
  const auto reader = SegmentReader::open(file.path, {});
  if (!reader && reader.error().code == Errc::kNotFound)
    return fail(Errc::kCorrupt, file.path.string() + ": its head is unreadable");
  if (!reader) return reader.error();
  SLUICE_TRY(check_segment_head((*reader)->head(), file, gateway, lane));
  const bool is_next = next_previous == file.path.filename();
  const auto last = check_segment_rows(**reader, is_next ? next_first - 1 : 0);
  if (!last) return last.error();
  const auto book = (*reader)->book();
  if (!book) return book.error();
  StreamTable streams;
  SLUICE_TRY((*reader)->streams(streams));
  if ((*reader)->sealed())
    if (const auto filter = (*reader)->filter(); !filter) return filter.error();
  return (*reader)->head().previous;
}

}  // namespace

Result<std::vector<SalvagedSegment>> salvage_log(
    const std::filesystem::path& folder, bool dry_run, core::Random& random,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const auto places = list_log(folder);
  if (!places) return places.error();
  SLUICE_TRY(check_formats(folder));
  const auto lock = FolderLock::take(folder);
  if (!lock) return lock.error();
  const auto gateway = gateway_of(*places);
  if (!gateway) return gateway.error();
  std::uint64_t total = 0;
  for (const Place& place : *places) total += place.files.size();
  std::uint64_t looked_at = 0;
  std::vector<SalvagedSegment> salvaged;
  for (const Place& place : *places) {
    std::vector<EpochInfo> epochs;  // of the lane, from its newest segment that says so
    Seq next_first = 0;
    std::string next_previous;
    for (std::size_t i = place.files.size(); i-- > 0;) {
      const SegmentFile& file = place.files[i];
      if (epochs.empty())
        if (const auto reader = SegmentReader::open(file.path, {}))
          if (const auto book = (*reader)->book()) epochs = book->epochs;
      const auto health = examine(file, *gateway, place.lane, next_first, next_previous);
      next_previous = health ? *health : std::string();
      if (!health && !is_damage(health.error(), file.path)) return health.error();
      if (!health) {
        SalvageJob job{folder, *gateway, place.lane, file, next_first == 0 ? 0 : next_first - 1};
        if (i > 0) job.previous = place.files[i - 1].path;
        job.epochs = epochs;
        job.reason = health.error().message;
        job.dry_run = dry_run;
        const auto done = salvage_segment(job, random);
        if (!done) return done.error();
        salvaged.push_back(done->counts);
      }
      next_first = file.first;
      if (progress) progress(++looked_at, total);
    }
  }
  return salvaged;
}

}  // namespace sluice::storage
