// SPDX-License-Identifier: Apache-2.0
#include "storage/stream_table.hpp"

#include <functional>

namespace sluice::storage {

std::size_t StreamTable::Hash::operator()(std::string_view name) const noexcept {
  return std::hash<std::string_view>{}(name);
}

StreamTable::StreamTable() : by_name_(0, Hash{this}, Equal{this}) {}

StreamTable::Index StreamTable::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNone : *found;
}

StreamTable::Index StreamTable::find_or_add(std::string_view name) {
  if (const Index known = find(name); known != kNone) return known;
  const auto stream = static_cast<Index>(streams_.size());
  streams_.push_back(
      {0, static_cast<std::uint32_t>(names_.size()), static_cast<std::uint32_t>(name.size())});
  names_.append(name);
  by_name_.insert(stream);
  return stream;
}

std::string_view StreamTable::name(Index stream) const {
  const Stream& entry = streams_[stream];
  return std::string_view(names_).substr(entry.name_at, entry.name_size);
}

void StreamTable::set_version(Index stream, std::uint64_t version) {
  std::uint64_t& current = streams_[stream].version;
  if (current == 0 && version != 0) ++live_;
  if (current != 0 && version == 0) --live_;
  current = version;
}

void StreamTable::clear() {
  by_name_.clear();
  streams_.clear();
  names_.clear();
  live_ = 0;
}

}  // namespace sluice::storage
