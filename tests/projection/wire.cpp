// SPDX-License-Identifier: Apache-2.0
#include "tests/projection/wire.hpp"

#include <algorithm>

namespace sluice::test {

Message any_reading(const LaneMaker& maker, core::Seq seq, core::Random& random) {
  Made made = maker.base(seq);
  made.entity = "e" + std::to_string(random.below(4));
  made.wall_ns = static_cast<std::int64_t>(random.below(1000));
  made.json = "{\"k\": " + std::to_string(seq) + "}";
  return message(made);
}

LaneHistory lane_history(const std::string& gateway, core::Lane lane, std::uint64_t salt,
                         core::Random& random, std::size_t events, const EventMaker& make) {
  LaneHistory out;
  core::Seq seq = 0;
  std::uint64_t epoch = salt;
  std::uint64_t previous = 0;
  while (out.sent.size() < events) {
    const LaneMaker maker(gateway, ++epoch, lane);
    const core::EpochOpened opened{core::Epoch{previous}, seq, std::nullopt, "start"};
    if (previous != 0 && random.below(5) == 0) {
      const core::Seq to = seq + 1 + random.below(3);
      out.sent.push_back(maker.gap(seq + 1, to, core::GapReason::kQuota, opened));
      seq = to;
    } else {
      out.sent.push_back(maker.opened(previous, seq));
      ++seq;
    }
    const std::uint64_t length = 1 + random.below(60);
    for (std::uint64_t i = 0; i < length; ++i) {
      ++seq;
      if (random.below(40) == 0) {
        const core::Seq to = seq + random.below(5);
        out.sent.push_back(maker.gap(seq, to, core::GapReason::kOversize));
        if (random.below(2) == 0) out.late.push_back(make(maker, to, random));
        seq = to;
        continue;
      }
      out.sent.push_back(make(maker, seq, random));
    }
    previous = epoch;
    // A tail that was forwarded and then lost: the next epoch begins below what the hub has.
    if (random.below(6) == 0 && length > 4) {
      seq -= 2;
      out.lost_tails.push_back(out.sent.size());
    }
  }
  return out;
}

std::vector<Message> as_sent(const LaneHistory& history, core::Random& random) {
  std::vector<Message> out;
  std::size_t next = 0;
  while (next < history.sent.size()) {
    std::size_t end = std::min(history.sent.size(), next + 1 + random.below(24));
    for (const std::size_t tail : history.lost_tails)
      if (next < tail) end = std::min(end, tail);
    std::size_t lowest = end;
    const std::uint64_t refusals = random.below(4) == 0 ? 3 : 40;
    for (std::size_t i = next; i < end; ++i) {
      if (random.below(refusals) == 0)
        lowest = std::min(lowest, i);
      else
        out.push_back(history.sent[i]);
    }
    next = lowest;
    if (random.below(8) == 0) next -= random.below(std::min<std::size_t>(next, 30) + 1);
  }
  return out;
}

std::vector<Message> as_sent_thrice(const LaneHistory& history, core::Random& random) {
  const std::vector<Message> once = as_sent(history, random);
  // Two copies more of each are due at some place behind it, often close, now and then far.
  std::vector<std::vector<const Message*>> due(once.size());
  for (std::size_t i = 0; i < once.size(); ++i)
    for (int copy = 0; copy < 2; ++copy) {
      const std::size_t left = once.size() - i;
      due[i + random.below(random.below(3) == 0 ? left : std::min<std::size_t>(left, 30))]
          .push_back(&once[i]);
    }
  std::vector<Message> out;
  for (std::size_t i = 0; i < once.size(); ++i) {
    out.push_back(once[i]);
    for (const Message* copy : due[i]) out.push_back(*copy);
  }
  for (int copy = 0; copy < 3; ++copy)
    out.insert(out.end(), history.late.begin(), history.late.end());
  return out;
}

void merge(std::vector<std::vector<Message>> lanes, core::Random& random, Feed& feed) {
  std::vector<std::size_t> at(lanes.size());
  for (;;) {
    std::vector<std::size_t> left;
    for (std::size_t i = 0; i < lanes.size(); ++i)
      if (at[i] < lanes[i].size()) left.push_back(i);
    if (left.empty()) return;
    const std::size_t lane = left[random.below(left.size())];
    const std::uint64_t run = 1 + random.below(10);
    for (std::uint64_t i = 0; i < run && at[lane] < lanes[lane].size(); ++i)
      feed.add(lanes[lane][at[lane]++]);
  }
}

}  // namespace sluice::test
