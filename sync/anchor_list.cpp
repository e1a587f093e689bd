// SPDX-License-Identifier: Apache-2.0
#include "sync/anchor_list.hpp"

namespace sluice::sync {

std::uint32_t AnchorList::word(std::string text) {
  const auto [entry, added] =
      by_text_.try_emplace(std::move(text), static_cast<std::uint32_t>(words_.size()));
  if (added) words_.push_back(&entry->first);
  return entry->second;
}

void AnchorList::assign(const std::vector<storage::Anchor>& anchors) {
  entries_.clear();
  words_.clear();
  by_text_.clear();
  identities_.clear();
  entries_.reserve(anchors.size());
  for (const auto& anchor : anchors) push_back(anchor);
}

void AnchorList::push_back(const storage::Anchor& anchor) {
  entries_.push_back({anchor.acked, anchor.seq, anchor.hub_seq, anchor.epoch,
                      word(anchor.hub_stream + '\n' + anchor.created), word(anchor.subject)});
  if (anchor.identity != core::Identity{gateway_, anchor.epoch, lane_, anchor.seq, 0}.text())
    identities_[anchor.acked] = anchor.identity;
}

void AnchorList::resize(std::size_t count) {
  if (count >= entries_.size()) return;
  identities_.erase(identities_.lower_bound(entries_[count].acked), identities_.end());
  entries_.resize(count);
}

void AnchorList::drop_below(core::Seq first) {
  std::size_t gone = 0;
  while (gone + 1 < entries_.size() && entries_[gone + 1].seq < first) ++gone;
  if (gone == 0) return;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(gone));
  identities_.erase(identities_.begin(), identities_.lower_bound(entries_.front().acked));
}

storage::Anchor AnchorList::at(std::size_t index) const {
  const Entry& entry = entries_[index];
  const std::string& origin = *words_[entry.origin];
  const auto cut = origin.find('\n');
  const auto identity = identities_.find(entry.acked);
  return {entry.acked,
          origin.substr(0, cut),
          origin.substr(cut + 1),
          entry.epoch,
          entry.seq,
          entry.hub_seq,
          *words_[entry.subject],
          identity != identities_.end()
              ? identity->second
              : core::Identity{gateway_, entry.epoch, lane_, entry.seq, 0}.text()};
}

}  // namespace sluice::sync
