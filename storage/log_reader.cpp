// SPDX-License-Identifier: Apache-2.0
#include "storage/log_reader.hpp"

#include <algorithm>
#include <array>

#include "core/codec/event_codec.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_reader.hpp"

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using core::Seq;

constexpr std::size_t kReadersOpenMax = 4;
// A segment can be finished, trimmed or replaced between the listing and the read.
constexpr int kAttempts = 4;

class FolderReader final : public LogReader {
 public:
  FolderReader(std::filesystem::path folder, core::GatewayId gateway)
      : folder_(std::move(folder)), gateway_(std::move(gateway)), cache_(kReadersOpenMax, {}) {}

  const core::GatewayId& gateway() const override { return gateway_; }

  Result<std::vector<Record>> read_lane(Lane lane, Seq from, std::size_t rows,
                                        std::size_t bytes) override {
    return attempt<std::vector<Record>>(lane, [&](const Files& files) {
      return read_from(files, std::max<Seq>(from, 1), std::min(rows, core::limits::kReaderRows),
                       bytes);
    });
  }

  Result<std::vector<Record>> read_stream(const core::StreamName& stream, std::uint64_t from,
                                          std::size_t limit) override {
    for (const Lane lane : core::kLanes) {
      const auto here = holds_stream(lane, stream);
      if (!here) return here.error();
      if (!*here) continue;
      return attempt<std::vector<Record>>(lane, [&](const Files& files) {
        return read_stream_from(files, stream.text(), std::max<std::uint64_t>(from, 1), limit);
      });
    }
    return std::vector<Record>();
  }

  Result<LaneState> lane_state(Lane lane) override {
    return attempt<LaneState>(lane, [&](const Files& files) { return state_of(files); });
  }
  Result<std::vector<EpochInfo>> epochs(Lane lane) override {
    return attempt<std::vector<EpochInfo>>(
        lane, [&](const Files& files) -> Result<std::vector<EpochInfo>> {
          auto book = newest_book(files);
          if (!book) return book.error();
          return std::move(book->epochs);
        });
  }
  Result<std::vector<Anchor>> anchors(Lane lane) override {
    return attempt<std::vector<Anchor>>(
        lane, [&](const Files& files) -> Result<std::vector<Anchor>> {
          const auto book = newest_book(files);
          if (!book) return book.error();
          std::vector<Anchor> anchors;
          for (const auto& entry : book->anchors.entries())
            anchors.push_back(book->anchors.expand(entry, gateway_.text(), lane));
          return anchors;
        });
  }
  Result<std::vector<SetAside>> set_aside(Lane lane) override {
    return attempt<std::vector<SetAside>>(lane,
                                          [&](const Files& files) -> Result<std::vector<SetAside>> {
                                            auto book = newest_book(files);
                                            if (!book) return book.error();
                                            return std::move(book->set_aside);
                                          });
  }

 private:
  using Files = std::vector<SegmentFile>;

  // Lists the lane anew only when the last listing no longer fits: a file was gone.
  template <class T, class Function>
  Result<T> attempt(Lane lane, Function function) {
    for (int attempt = 0;; ++attempt) {
      SLUICE_TRY(refresh(lane));
      const Files& files = files_[core::index(lane)];
      if (files.empty()) return fail(Errc::kNotFound, "there is no log in " + folder_.string());
      auto result = function(files);
      if (result || result.error().code != Errc::kNotFound || attempt + 1 == kAttempts)
        return result;
      cache_.clear();
    }
  }

  Result<void> refresh(Lane lane) {
    auto files = list_segments(lane_folder(folder_, lane));
    if (!files) return files.error();
    // The last one may be in the making: without its first transaction it holds nothing.
    while (!files->empty()) {
      const auto reader = cache_.get(files->back().path);
      if (reader) {
        if ((*reader)->head().gateway != gateway_.text())
          return fail(Errc::kConfig, files->back().path.string() + " belongs to gateway '" +
                                         (*reader)->head().gateway + "', others to '" +
                                         gateway_.text() + "'");
        break;
      }
      if (reader.error().code != Errc::kNotFound) return reader.error();
      files->pop_back();
    }
    files_[core::index(lane)] = std::move(*files);
    return {};
  }

  // The newest segment of a lane names its categories; Sluice's own are placed by rule.
  Result<bool> holds_stream(Lane lane, const core::StreamName& stream) {
    if (stream.category == core::kReservedCategory) {
      const auto named = core::parse_lane(stream.entity);
      return lane == (named ? *named : Lane::kSystem);
    }
    return attempt<bool>(lane, [&](const Files& files) -> Result<bool> {
      const auto book = newest_book(files);
      if (!book) return book.error();
      return book->categories.contains(stream.category);
    });
  }

  // The last seq of a segment that counts.
  static Seq end_of(const Files& files, std::size_t at) {
    return at + 1 < files.size() ? files[at + 1].first - 1 : INT64_MAX;
  }

  Result<std::vector<Record>> read_from(const Files& files, Seq from, std::size_t rows,
                                        std::size_t bytes) {
    std::vector<Record> records;
    std::size_t at = files.size() - 1;
    while (at > 0 && files[at].first > from) --at;
    std::size_t used = 0;
    for (; at < files.size() && records.size() < rows && used <= bytes; ++at) {
      const auto reader = cache_.get(files[at].path);
      if (!reader) return reader.error();
      const std::size_t before = records.size();
      SLUICE_TRY((*reader)->read(std::max(from, files[at].first), end_of(files, at), rows - before,
                                 bytes - used, records));
      for (std::size_t i = before; i < records.size(); ++i) used += records[i].body.size();
      if (!records.empty() && records.back().seq != end_of(files, at)) break;
    }
    return records;
  }

  Result<std::vector<Record>> read_stream_from(const Files& files, const std::string& stream,
                                               std::uint64_t from, std::size_t limit) {
    std::vector<Record> records;
    std::size_t at = files.size();
    while (at-- > 0) {
      const auto reader = cache_.get(files[at].path);
      if (!reader) return reader.error();
      const auto start = (*reader)->starting_version(stream);
      if (!start) return start.error();
      if (*start < from || at == 0) break;
    }
    for (; at < files.size() && records.size() < limit; ++at) {
      const auto reader = cache_.get(files[at].path);
      if (!reader) return reader.error();
      if ((*reader)->sealed())
        SLUICE_TRY(read_indexed(**reader, stream, from, limit, records));
      else
        SLUICE_TRY(scan(**reader, end_of(files, at), stream, from, limit, records));
    }
    return records;
  }

  static Result<void> read_indexed(SegmentReader& reader, const std::string& stream,
                                   std::uint64_t from, std::size_t limit,
                                   std::vector<Record>& records) {
    const auto seqs = reader.positions(stream, from, limit - records.size());
    if (!seqs) return seqs.error();
    for (const Seq seq : *seqs) {
      auto record = reader.read_one(seq);
      if (!record) return record.error();
      if (*record) records.push_back(std::move(**record));
    }
    return {};
  }

  static Result<void> scan(SegmentReader& reader, Seq end, const std::string& stream,
                           std::uint64_t from, std::size_t limit, std::vector<Record>& records) {
    Seq next = reader.head().first_seq;
    while (records.size() < limit) {
      std::vector<Record> page;
      SLUICE_TRY(reader.read(next, end, core::limits::kReaderRows, 1u << 20, page));
      if (page.empty()) return {};
      next = page.back().seq + 1;
      for (Record& record : page) {
        const auto event = codec::decode_trusted(record.body);
        if (!event) return event.error();
        if (event->version < from || records.size() >= limit) continue;
        if (event->stream().text() == stream) records.push_back(std::move(record));
      }
    }
    return {};
  }

  Result<LaneBook> newest_book(const Files& files) {
    const auto reader = cache_.get(files.back().path);
    if (!reader) return reader.error();
    return (*reader)->book();
  }

  Result<LaneState> state_of(const Files& files) {
    LaneState state;
    const auto reader = cache_.get(files.back().path);
    if (!reader) return reader.error();
    const auto last = (*reader)->last();
    if (!last) return last.error();
    const auto book = (*reader)->book();
    if (!book) return book.error();
    const auto streams = (*reader)->stream_count();
    if (!streams) return streams.error();
    state.first = files.front().first;
    state.last = *last;
    state.acked = book->anchors.cursor();
    state.trim_after = book->trim_after;
    state.segments = files.size();
    state.streams = static_cast<std::uint64_t>(*streams);
    for (const SegmentFile& file : files) state.bytes += segment_bytes(file.path);
    const auto waiting = read_from(files, state.acked + 1, 1, SIZE_MAX);
    if (!waiting) return waiting.error();
    if (!waiting->empty()) {
      const auto event = codec::decode_trusted(waiting->front().body);
      if (!event) return event.error();
      state.oldest_unacked_wall_ns = event->recorded.wall_ns;
    }
    return state;
  }

  std::filesystem::path folder_;
  core::GatewayId gateway_;
  std::array<Files, core::kLaneCount> files_;
  SegmentCache cache_;
};

}  // namespace

Result<std::unique_ptr<LogReader>> LogReader::open(std::filesystem::path folder) {
  for (const Lane lane : core::kLanes) {
    const auto files = list_segments(lane_folder(folder, lane));
    if (!files && files.error().code != Errc::kNotFound) return files.error();
    if (!files) continue;
    for (auto file = files->rbegin(); file != files->rend(); ++file) {
      const auto reader = SegmentReader::open(file->path, {});
      if (!reader && reader.error().code == Errc::kNotFound) continue;
      if (!reader) return reader.error();
      auto gateway = core::GatewayId::parse((*reader)->head().gateway);
      if (!gateway)
        return fail(Errc::kCorrupt, file->path.string() + ": the gateway's name is malformed");
      return std::unique_ptr<LogReader>(
          std::make_unique<FolderReader>(std::move(folder), std::move(*gateway)));
    }
  }
  return fail(Errc::kNotFound, "there is no log in " + folder.string());
}

}  // namespace sluice::storage
