// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/types.hpp"

namespace sluice::storage {

// Texts that repeat in every anchor, kept once each.
class WordList {
 public:
  using Index = std::uint32_t;
  Index find_or_add(std::string_view text);
  const std::string& text(Index word) const { return words_[word]; }
  std::size_t size() const { return words_.size(); }

 private:
  std::vector<std::string> words_;
  std::unordered_map<std::string, Index> by_text_;
};

// The anchors of one lane, ascending by `acked`: the cursor (the newest), and of the older ones one
// about every kAnchorEvery events. 40 bytes each. Pure; not synchronised.
class AnchorBook {
 public:
  static constexpr core::Seq kAnchorEvery = 256;

  struct Entry {
    core::Seq acked = 0;
    core::Seq seq = 0;
    std::uint64_t hub_seq = 0;
    WordList::Index hub_stream = 0;
    WordList::Index created = 0;
    WordList::Index epoch = 0;
    WordList::Index subject = 0;
  };

  // The new cursor; takes the place of the old one unless that is far enough from its predecessor.
  // False (and nothing done) if it does not lie above the cursor.
  bool add(const Anchor& anchor, const std::string& gateway, core::Lane lane);
  // As it was stored: takes any distance.
  void restore(const Anchor& anchor, const std::string& gateway, core::Lane lane);
  // Deletes those with acked > `acked`.
  void cut_above(core::Seq acked);
  // Deletes those whose event is older than `first`, but never the cursor.
  void cut_below(core::Seq first);

  // Words in the order of their indexes, as they were stored, before any restore().
  void restore_word(std::string_view text) { words_.find_or_add(text); }
  // The same anchors with only the words that they use.
  AnchorBook compacted(const std::string& gateway, core::Lane lane) const;

  core::Seq cursor() const { return entries_.empty() ? 0 : entries_.back().acked; }
  const std::vector<Entry>& entries() const { return entries_; }
  const WordList& words() const { return words_; }
  Anchor expand(const Entry& entry, const std::string& gateway, core::Lane lane) const;
  // The identity if it is not that of the event `seq` itself (a gap record's).
  const std::string* own_identity(const Entry& entry) const;

 private:
  std::vector<Entry> entries_;
  WordList words_;
  std::map<core::Seq, std::string> identities_;  // by acked
};

}  // namespace sluice::storage
