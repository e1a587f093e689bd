// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sluice::hub {

// An event as it reached the hub. `body` is docs/event-format.md, already checked.
struct TailEvent {
  std::uint64_t number = 0;  // counts what reached the tail, what was left out included
  std::string shard;
  std::uint64_t hub_seq = 0;
  std::int64_t stored_ns = 0;
  std::string identity;
  std::string body;
};

// Empty: anything. `text` is looked for in stream, type and data as the page shows them, whatever
// the case.
struct TailFilter {
  std::string gateway;
  std::string category;
  std::string type;
  std::string text;
};

// One event as the JSON that GET /v1/tail sends, without data that is larger than `data_max`.
std::string tail_json(const TailEvent& event, std::size_t data_max);
bool tail_wants(const TailFilter& filter, const TailEvent& event);

// The newest events, for everybody who looks on. Each reader keeps the number up to which it has
// read; who is slow loses the oldest, and is told how many. Any thread.
class TailRing {
 public:
  static constexpr std::size_t kEventsMax = 2'000;
  static constexpr std::size_t kBytesMax = 8u << 20;

  void push(TailEvent event);
  void left_out(std::uint64_t events);  // so many were never read

  std::uint64_t newest() const;
  struct Batch {
    std::vector<std::shared_ptr<const TailEvent>>
        events;              // the newest `most` that the filter wants
    std::uint64_t next = 0;  // read on after this number
    std::uint64_t dropped =
        0;  // events behind `after` that are not among these, wanted or not known
  };
  Batch after(std::uint64_t after, const TailFilter& filter, std::size_t most) const;

 private:
  mutable std::mutex mutex_;
  std::deque<std::shared_ptr<const TailEvent>> events_;
  std::size_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace sluice::hub
