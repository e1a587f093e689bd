// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ids.hpp"
#include "storage/types.hpp"

namespace sluice::sync {

// The anchors of one lane, ascending by `acked`, in 40 bytes each: there is one per 256 retained
// events, so a long backlog has thousands. Texts that repeat are kept once. Pure.
class AnchorList {
 public:
  AnchorList(std::string gateway, core::Lane lane) : gateway_(std::move(gateway)), lane_(lane) {}
  AnchorList(AnchorList&&) = default;  // no copies: words_ points into by_text_

  void assign(const std::vector<storage::Anchor>& anchors);
  void push_back(const storage::Anchor& anchor);
  void resize(std::size_t count);  // keeps the oldest `count`
  // Drops those about events below `first`, which the log no longer has, but the newest of these.
  void drop_below(core::Seq first);

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  storage::Anchor at(std::size_t index) const;
  core::Seq cursor() const { return entries_.empty() ? 0 : entries_.back().acked; }
  std::uint64_t hub_seq(std::size_t index) const { return entries_[index].hub_seq; }

 private:
  struct Entry {
    core::Seq acked = 0;
    core::Seq seq = 0;
    std::uint64_t hub_seq = 0;
    core::Epoch epoch;
    std::uint32_t origin = 0;  // hub stream and `created`, with a line feed between
    std::uint32_t subject = 0;
  };
  std::uint32_t word(std::string text);

  std::string gateway_;
  core::Lane lane_;
  std::vector<Entry> entries_;
  std::vector<const std::string*> words_;  // keys of the map
  std::unordered_map<std::string, std::uint32_t> by_text_;
  std::map<core::Seq, std::string> identities_;  // by acked: those of gap records
};

}  // namespace sluice::sync
