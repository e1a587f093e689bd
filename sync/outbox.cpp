// SPDX-License-Identifier: Apache-2.0
#include "sync/outbox.hpp"

#include <algorithm>
#include <cstring>

#include "core/codec/event_codec.hpp"
#include "core/hash.hpp"
#include "core/subject.hpp"

namespace sluice::sync {

namespace {

constexpr std::size_t kRowsPerRead = 256;
constexpr std::size_t kBytesPerRead = 256 * 1024;
constexpr std::size_t kRowsAhead = 256;   // less than that at hand: read on
constexpr std::size_t kHeaderBytes = 30;  // "NATS/1.0\r\nNats-Msg-Id: \r\n\r\n"
constexpr std::size_t kClockBytes = 36;   // "Sluice-Clock: \r\n" and a number
constexpr std::size_t kLinkBytes = 64;    // "HPUB", two sizes, and where the answer goes

}  // namespace

std::size_t Item::wire_size() const {
  return body.size() + identity.size() + kHeaderBytes + (clock_ns == 0 ? 0 : kClockBytes);
}

std::size_t Item::link_size() const {
  return wire_size() + subject.size() + kLinkBytes;
}

Item make_event_item(const Address& address, core::Lane lane, storage::Record record,
                     const core::EventView& event, std::int64_t clock_ns) {
  Item item;
  item.clock_ns = clock_ns;
  item.epoch = event.epoch;
  item.from = item.to = record.seq;
  item.subject = core::EventSubject{address.shard, address.gateway, lane,
                                    std::string(event.category), std::string(event.type)}
                     .text();
  item.identity = core::Identity{address.gateway, event.epoch, lane, record.seq, 0}.text();
  item.body = std::move(record.body);
  return item;
}

Item make_gap_item(const Address& address, core::Lane lane, const History::Piece& piece,
                   core::GapReason reason, const core::Recorded& recorded) {
  Item item;
  item.epoch = piece.epoch;
  item.from = piece.from;
  item.to = piece.to;
  item.is_gap = true;
  item.identity = core::Identity{address.gateway, piece.epoch, lane, piece.from, piece.to}.text();
  item.subject =
      core::EventSubject{address.shard, address.gateway, lane, std::string(core::kReservedCategory),
                         std::string(core::kTypeGap)}
          .text();
  const std::string data =
      codec::encode_gap(core::Gap{piece.to, reason, std::nullopt, piece.opened});
  core::EventView view;
  view.gateway = address.gateway;
  view.epoch = piece.epoch;
  view.lane = lane;
  view.seq = piece.from;
  view.category = core::kReservedCategory;
  view.entity = core::lane_name(lane);
  view.recorded = recorded;
  view.type = core::kTypeGap;
  view.data = data;
  // Sent again after an outage, it is the same record: its id follows from its identity.
  const auto digest = core::chain_next({}, item.identity);
  std::memcpy(view.id.bytes.data(), digest.data(), view.id.bytes.size());
  item.body = codec::encode_event(view);
  return item;
}

void Outbox::set_log(History history, std::vector<storage::SetAside> set_aside) {
  history_ = std::move(history);
  set_aside_ = std::move(set_aside);
}

void Outbox::set_range(core::Seq first, core::Seq last) {
  first_ = first;
  last_ = last;
}

void Outbox::rewind(core::Seq acked) {
  if (acked != 0) return restart(acked + 1);
  core::Seq next = std::max<core::Seq>(first_, 1);
  for (const auto& range : set_aside_) next = std::min(next, range.from);
  restart(next);
}

void Outbox::restart(core::Seq next) {
  next_ = next;
  rows_.clear();
  ready_.reset();
  damaged_.reset();
  failure_.reset();
  read_from_ = 0;
  doubted_ = 0;
}

// True: it is read again from next_ on, and nothing is said of it yet.
bool Outbox::doubt(core::Seq seq) {
  if (doubted_ == seq) return false;
  doubted_ = seq;
  rows_.clear();
  read_from_ = 0;
  return true;
}

void Outbox::read_more() {
  if (read_from_ != 0 || damaged_ || failure_ || rows_.size() >= kRowsAhead) return;
  const core::Seq from = rows_.empty() ? next_ : rows_.back().seq + 1;
  if (from > last_) return;
  read_from_ = from;
  effects_.read(lane_, ++ticket_, from, kRowsPerRead, kBytesPerRead);
}

void Outbox::rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records) {
  if (ticket != ticket_ || read_from_ == 0) return;  // from before a rewind
  const core::Seq from = std::exchange(read_from_, 0);
  if (!records) {
    const auto& error = records.error();
    const auto seq = static_cast<core::Seq>(error.current);
    const auto epoch = history_.epoch_of(seq);
    const bool of_a_row =
        error.code == core::Errc::kCorrupt && seq >= from && seq <= last_ && epoch;
    if (of_a_row && doubt(seq)) return;
    if (of_a_row)
      damaged_ = storage::SetAside{*epoch, seq, seq, core::GapReason::kDamaged};
    else
      failure_ = error;
    return;
  }
  for (auto& record : *records) rows_.push_back(std::move(record));
  // Rows that the log said were there, and are not: seen by peek() as a range to be replaced.
  if (records->empty()) last_ = std::max(from, first_) - 1;
}

// Puts the gap record of what is missing at next_ into ready_. False: nothing is missing there.
bool Outbox::make_gap() {
  core::Seq to = 0;
  auto reason = core::GapReason::kTrimmed;
  for (const auto& range : set_aside_) {
    if (range.from <= next_ && next_ <= range.to && history_.epoch_of(next_) == range.epoch) {
      to = range.to;
      reason = range.reason;
    }
  }
  if (to == 0 && next_ < first_) to = first_ - 1;
  if (to == 0 && !rows_.empty() && rows_.front().seq > next_) {
    if (doubt(next_)) return false;
    to = rows_.front().seq - 1;
    reason = core::GapReason::kDamaged;
  }
  if (to == 0) return false;
  const auto piece = history_.first_piece(next_, to);
  if (!piece) {
    // From before the first epoch that the log still knows the name of: nothing can be said of it.
    next_ = to + 1;
    return false;
  }
  ready_ = make_gap_item(address_, lane_, *piece, reason, effects_.recorded());
  return true;
}

const Item* Outbox::peek() {
  if (ready_) return &*ready_;
  if (next_ > last_ || failure_) return nullptr;
  while (!rows_.empty() && rows_.front().seq < next_) rows_.pop_front();
  if (make_gap()) return &*ready_;
  read_more();
  if (rows_.empty() || rows_.front().seq != next_) return nullptr;
  auto record = std::move(rows_.front());
  rows_.pop_front();
  const auto event = codec::decode_trusted(record.body);
  if (!event || event->seq != record.seq || event->lane != lane_) {
    if (doubt(record.seq)) {
      read_more();
      return nullptr;
    }
    const auto epoch = history_.epoch_of(record.seq);
    damaged_ = storage::SetAside{epoch.value_or(core::Epoch{}), record.seq, record.seq,
                                 core::GapReason::kDamaged};
    return nullptr;
  }
  const std::int64_t clock_ns = effects_.clock_correction(event->recorded);
  ready_ = make_event_item(address_, lane_, std::move(record), *event, clock_ns);
  return &*ready_;
}

Item Outbox::take() {
  Item item = std::move(*ready_);
  ready_.reset();
  next_ = item.to + 1;
  return item;
}

}  // namespace sluice::sync
