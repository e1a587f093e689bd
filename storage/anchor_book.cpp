// SPDX-License-Identifier: Apache-2.0
#include "storage/anchor_book.hpp"

#include <algorithm>

namespace sluice::storage {

WordList::Index WordList::find_or_add(std::string_view text) {
  const auto [entry, added] =
      by_text_.try_emplace(std::string(text), static_cast<Index>(words_.size()));
  if (added) words_.emplace_back(text);
  return entry->second;
}

bool AnchorBook::add(const Anchor& anchor, const std::string& gateway, core::Lane lane) {
  if (anchor.acked <= cursor()) return false;
  if (const std::size_t count = entries_.size();
      count >= 2 && entries_[count - 1].acked - entries_[count - 2].acked < kAnchorEvery)
    cut_above(entries_[count - 2].acked);
  restore(anchor, gateway, lane);
  return true;
}

void AnchorBook::restore(const Anchor& anchor, const std::string& gateway, core::Lane lane) {
  entries_.push_back({anchor.acked, anchor.seq, anchor.hub_seq,
                      words_.find_or_add(anchor.hub_stream), words_.find_or_add(anchor.created),
                      words_.find_or_add(anchor.epoch.text()), words_.find_or_add(anchor.subject)});
  if (anchor.identity != core::Identity{gateway, anchor.epoch, lane, anchor.seq}.text())
    identities_[anchor.acked] = anchor.identity;
}

void AnchorBook::cut_above(core::Seq acked) {
  while (!entries_.empty() && entries_.back().acked > acked) entries_.pop_back();
  identities_.erase(identities_.upper_bound(acked), identities_.end());
}

void AnchorBook::cut_below(core::Seq first) {
  std::size_t gone = 0;
  while (gone + 1 < entries_.size() && entries_[gone].seq < first) ++gone;
  if (gone == 0) return;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(gone));
  identities_.erase(identities_.begin(), identities_.lower_bound(entries_.front().acked));
}

AnchorBook AnchorBook::compacted(const std::string& gateway, core::Lane lane) const {
  AnchorBook book;
  book.entries_.reserve(entries_.size());
  for (const Entry& entry : entries_) book.restore(expand(entry, gateway, lane), gateway, lane);
  return book;
}

Anchor AnchorBook::expand(const Entry& entry, const std::string& gateway, core::Lane lane) const {
  Anchor anchor;
  anchor.acked = entry.acked;
  anchor.seq = entry.seq;
  anchor.hub_seq = entry.hub_seq;
  anchor.hub_stream = words_.text(entry.hub_stream);
  anchor.created = words_.text(entry.created);
  anchor.subject = words_.text(entry.subject);
  if (const auto epoch = core::Epoch::parse(words_.text(entry.epoch))) anchor.epoch = *epoch;
  const std::string* identity = own_identity(entry);
  anchor.identity = identity != nullptr
                        ? *identity
                        : core::Identity{gateway, anchor.epoch, lane, anchor.seq}.text();
  return anchor;
}

const std::string* AnchorBook::own_identity(const Entry& entry) const {
  const auto found = identities_.find(entry.acked);
  return found == identities_.end() ? nullptr : &found->second;
}

}  // namespace sluice::storage
