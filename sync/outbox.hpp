// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "sync/effects.hpp"
#include "sync/history.hpp"

namespace sluice::sync {

// One message as it goes to the hub: an event, or the gap record of a range.
struct Item {
  core::Epoch epoch;
  core::Seq from = 0;
  core::Seq to = 0;  // == from for an event
  bool is_gap = false;
  std::string subject;
  std::string identity;
  std::string body;
  std::int64_t clock_ns = 0;      // as Outgoing has it
  std::size_t wire_size() const;  // as max_payload counts: headers and body
  std::size_t link_size() const;  // about what the link carries for it, without TLS and TCP
};

struct Address {
  std::string gateway;
  std::string shard;
};

Item make_event_item(const Address& address, core::Lane lane, storage::Record record,
                     const core::EventView& event, std::int64_t clock_ns = 0);
// `piece` lies within one epoch; its EpochOpened, if it covers it, travels in the record.
Item make_gap_item(const Address& address, core::Lane lane, const History::Piece& piece,
                   core::GapReason reason, const core::Recorded& recorded);

// The next items of a lane in order: rows of the log, with gap records in the place of what was set
// aside, is damaged or was trimmed. Reads ahead in bounded batches. Pure.
class Outbox {
 public:
  // Tickets of its reads count up from `first_ticket`, which tells two outboxes of a lane apart.
  Outbox(const Address& address, core::Lane lane, Effects& effects, std::uint64_t first_ticket = 0)
      : address_(address), lane_(lane), effects_(effects), ticket_(first_ticket) {}

  void set_log(History history, std::vector<storage::SetAside> set_aside);
  void set_range(core::Seq first, core::Seq last);  // what the log holds
  void add_set_aside(const storage::SetAside& range) { set_aside_.push_back(range); }
  // All ranges, as they are on disk now.
  void set_set_aside(std::vector<storage::SetAside> ranges) { set_aside_ = std::move(ranges); }

  // Starts anew behind `acked`. Nothing acked: at the first event that is retained or was set
  // aside.
  void rewind(core::Seq acked);
  // Starts anew at `next`, whether it is retained or not.
  void restart(core::Seq next);
  // The next item if it is at hand; asks for rows as needed.
  const Item* peek();
  Item take();
  core::Seq next() const { return next_; }  // the first seq that was not taken
  bool empty() const { return next_ > last_; }

  // The answer to Effects::read. An error with `current` names a damaged row.
  void rows(std::uint64_t ticket, core::Result<std::vector<storage::Record>> records);
  // A row that must be set aside before anything can follow; reset by add_set_aside and rewind.
  // Whatever seems to be missing or damaged is read a second time before it is called so: the first
  // reader may have raced a trim or the change to a new segment.
  std::optional<storage::SetAside> damaged() const { return damaged_; }
  std::optional<core::Error> failure() const { return failure_; }  // the log cannot be read

  const History& history() const { return history_; }
  core::Seq last() const { return last_; }
  core::Seq first() const { return first_; }

 private:
  void read_more();
  bool make_gap();
  bool doubt(core::Seq seq);
  Address address_;
  core::Lane lane_;
  Effects& effects_;
  History history_;
  std::vector<storage::SetAside> set_aside_;
  core::Seq first_ = 1;
  core::Seq last_ = 0;
  core::Seq next_ = 1;
  std::deque<storage::Record> rows_;
  std::optional<Item> ready_;
  std::uint64_t ticket_ = 0;  // of the read that is out, or the last one
  core::Seq read_from_ = 0;   // 0: no read is out
  core::Seq doubted_ = 0;     // was read again, since the first time it was missing or damaged
  std::optional<storage::SetAside> damaged_;
  std::optional<core::Error> failure_;
};

}  // namespace sluice::sync
