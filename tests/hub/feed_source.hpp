// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "hub/feed/replay_source.hpp"
#include "tests/projection/events.hpp"

namespace sluice::test {

// Hub streams in memory, as a NATS server would give them; message i was stored at second i.
class FeedSource final : public hub::ReplaySource {
 public:
  void add(const Feed& feed) { feeds_[feed.hub().name] = &feed; }
  void lose_first(std::size_t count) { lost_ = count; }  // aged out, of each hub stream
  std::uint64_t given() const { return given_; }

  core::Result<hub::HubStreamFacts> facts(const std::string& hub_stream) override {
    const auto feed = feeds_.find(hub_stream);
    if (feed == feeds_.end()) return core::fail(core::Errc::kNotFound, "stream not found");
    return hub::HubStreamFacts{hub_stream, feed->second->hub().created, lost_ + 1,
                               feed->second->size()};
  }
  core::Result<void> seek(const std::string& hub_stream, std::uint64_t from) override {
    const auto feed = feeds_.find(hub_stream);
    if (feed == feeds_.end()) return core::fail(core::Errc::kNotFound, "stream not found");
    at_ = std::max<std::size_t>(from - 1, lost_);
    feed_ = feed->second;
    return {};
  }
  core::Result<std::span<const projection::Incoming>> next() override {
    batch_.clear();
    while (batch_.size() < 50 && at_ < feed_->size()) {
      batch_.push_back(feed_->incoming(at_++));
      batch_.back().hub_time_ns = static_cast<std::int64_t>(at_) * 1'000'000'000;
    }
    given_ += batch_.size();
    return std::span<const projection::Incoming>(batch_);
  }

 private:
  std::map<std::string, const Feed*> feeds_;
  const Feed* feed_ = nullptr;
  std::size_t at_ = 0;
  std::size_t lost_ = 0;
  std::uint64_t given_ = 0;
  std::vector<projection::Incoming> batch_;
};

}  // namespace sluice::test
