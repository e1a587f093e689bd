// SPDX-License-Identifier: Apache-2.0
#include "storage/head_rebuild.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/limits.hpp"
#include "storage/salvage.hpp"

namespace sluice::storage {

using core::Result;
using core::Seq;

RebuiltHead::RebuiltHead(const std::string& gateway, core::Lane lane, Seq first) {
  head.gateway = gateway;
  head.lane = lane;
  head.first_seq = first;
}

Result<void> RebuiltHead::load(const std::filesystem::path& path,
                               const std::filesystem::path& previous,
                               const std::vector<EpochInfo>& epochs, const std::string& vfs) {
  load_own(path, vfs);
  if (!knows_head_) knows_chain = head.first_seq == 1;
  if ((!knows_head_ || !knows_book_ || !knows_streams_) && !previous.empty())
    if (const auto reader = SegmentReader::open(previous, vfs)) load_previous(**reader);
  for (const EpochInfo& info : epochs) {
    const bool is_known =
        std::any_of(book.epochs.begin(), book.epochs.end(),
                    [&](const EpochInfo& known) { return known.first_seq == info.first_seq; });
    if (!is_known) book.epochs.push_back(info);
  }
  std::sort(book.epochs.begin(), book.epochs.end(),
            [](const EpochInfo& a, const EpochInfo& b) { return a.first_seq < b.first_seq; });
  return {};
}

// Each part by itself: a destroyed page mostly takes one of them.
void RebuiltHead::load_own(const std::filesystem::path& path, const std::string& vfs) {
  sqlite::OpenOptions options;
  options.vfs = vfs;
  options.checkpoint_on_close = false;
  auto database = sqlite::Database::open(path, sqlite::OpenMode::kReadOnly, options);
  if (!database) return;
  if (const auto own = load_head(*database); own && own->gateway == head.gateway &&
                                             own->lane == head.lane &&
                                             own->first_seq == head.first_seq) {
    head = *own;
    knows_head_ = true;
    const auto note = load_salvage_note(*database);
    knows_chain = note && (!*note || (*note)->knows_chain);
  }
  if (auto own = load_book(*database, head)) {
    book = std::move(*own);
    knows_book_ = true;
  }
  knows_streams_ = static_cast<bool>(load_streams(*database, streams));
  if (!knows_streams_) streams.clear();
}

void RebuiltHead::load_previous(SegmentReader& reader) {
  if (!knows_book_)
    if (auto older = reader.book()) book = std::move(*older);
  StreamTable older;
  const bool has_streams = static_cast<bool>(reader.streams(older));
  core::ChainHash chain = reader.head().chain;
  Seq next = reader.head().first_seq;
  while (next < head.first_seq) {
    std::vector<Record> page;
    if (!reader.read(next, head.first_seq - 1, core::limits::kReaderRows, 1u << 20, page) ||
        page.empty() || page.front().seq != next)
      break;
    for (const Record& record : page) {
      if (record.seq != next) break;
      ++next;
      chain = core::chain_next(chain, record.body);
      const auto event = codec::decode_trusted(record.body);
      if (event) older.set_version(older.find_or_add(event->stream().text()), event->version);
    }
  }
  if (!knows_head_ && next == head.first_seq) {
    head.chain = chain;
    knows_chain = true;
  }
  if (knows_streams_ || !has_streams) return;
  for (StreamTable::Index i = 0; i < older.size(); ++i)
    streams.set_version(streams.find_or_add(older.name(i)), older.version(i));
}

void RebuiltHead::note_row(std::string_view body) {
  const auto event = codec::decode_trusted(body);
  if (!event) return;
  if (!knows_streams_) {
    const std::string name = event->stream().text();
    if (seen_.insert(name).second) {
      const StreamTable::Index stream = streams.find_or_add(name);
      if (streams.version(stream) == 0 || streams.version(stream) >= event->version)
        streams.set_version(stream, event->version - 1);
    }
  }
  if (knows_book_) return;
  if (!event->is_reserved()) book.categories.emplace(event->category);
  note_epoch(*event);
}

void RebuiltHead::note_epoch(const core::EventView& event) {
  const core::Epoch before = std::exchange(epoch_, event.epoch);
  if (event.epoch == before) return;
  for (const EpochInfo& known : book.epochs)
    if (known.epoch == event.epoch) return;
  EpochInfo info;
  info.epoch = event.epoch;
  info.first_seq = event.seq;
  info.opened.previous = before;
  info.opened.reason = "damaged";
  const bool is_opening = event.is_reserved() && event.type == core::kTypeEpochOpened;
  if (const auto content = is_opening ? codec::decode_epoch_opened(event.data)
                                      : Result<core::EpochOpened>(core::Error{}))
    info.opened = *content;
  // Its EpochOpened is in the hole just before this row, nobody knows where: the last place that it
  // can have claims nothing for this epoch that was not seen.
  if (!is_opening && event.seq > head.first_seq) --info.first_seq;
  if (!is_opening) info.opened.last_seq = info.first_seq - 1;
  if (!info.opened.previous && !book.epochs.empty())
    info.opened.previous = book.epochs.back().epoch;
  book.epochs.push_back(std::move(info));
}

void RebuiltHead::finish() {
  std::sort(book.epochs.begin(), book.epochs.end(),
            [](const EpochInfo& a, const EpochInfo& b) { return a.first_seq < b.first_seq; });
}

}  // namespace sluice::storage
