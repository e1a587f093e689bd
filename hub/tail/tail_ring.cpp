// SPDX-License-Identifier: Apache-2.0
#include "hub/tail/tail_ring.hpp"

#include <algorithm>

#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::hub {
namespace {

char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// ASCII letters whatever their case; all else byte by byte.
bool contains(std::string_view text, std::string_view wanted) {
  return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(),
                     [](char a, char b) { return to_lower(a) == to_lower(b); }) != text.end();
}

}  // namespace

std::string tail_json(const TailEvent& event, std::size_t data_max) {
  auto view = codec::decode_trusted(event.body);
  if (!view) return {};  // it was checked when it came
  const bool cut = view->data.size() > data_max;
  if (cut) view->data = std::string_view("\xc0", 1);  // nil
  std::string out;
  codec::event_to_json(*view, out);
  out.pop_back();
  if (cut) out += ",\"data_bytes\":" + std::to_string(event.body.size());
  out += ",\"identity\":";
  codec::append_json_text(event.identity, out);
  out += ",\"shard\":";
  codec::append_json_text(event.shard, out);
  out += ",\"hub_seq\":" + std::to_string(event.hub_seq) + ",\"stored_at\":\"" +
         core::format_time(event.stored_ns) + "\"}";
  return out;
}

bool tail_wants(const TailFilter& filter, const TailEvent& event) {
  const auto view = codec::decode_trusted(event.body);
  if (!view) return false;
  if (!filter.gateway.empty() && view->gateway != filter.gateway) return false;
  if (!filter.category.empty() && view->category != filter.category) return false;
  if (!filter.type.empty() && view->type != filter.type) return false;
  if (filter.text.empty()) return true;
  if (contains(view->stream().text(), filter.text) || contains(view->type, filter.text))
    return true;
  std::string data;
  codec::data_to_json(view->data, data);
  return contains(data, filter.text);
}

void TailRing::push(TailEvent event) {
  const std::lock_guard lock(mutex_);
  event.number = ++count_;
  bytes_ += event.body.size();
  events_.push_back(std::make_shared<const TailEvent>(std::move(event)));
  while (events_.size() > kEventsMax || (bytes_ > kBytesMax && events_.size() > 1)) {
    bytes_ -= events_.front()->body.size();
    events_.pop_front();
  }
}

void TailRing::left_out(std::uint64_t events) {
  const std::lock_guard lock(mutex_);
  count_ += events;
}

std::uint64_t TailRing::newest() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

// Filters without the lock: looking for a text reads each event's data.
TailRing::Batch TailRing::after(std::uint64_t after, const TailFilter& filter,
                                std::size_t most) const {
  std::vector<std::shared_ptr<const TailEvent>> there;
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    batch.next = count_;
    auto from = events_.end();
    while (from != events_.begin() && (*std::prev(from))->number > after) --from;
    there.assign(from, events_.end());
  }
  batch.dropped = batch.next - std::min(after, batch.next) - there.size();
  for (auto& event : there)
    if (tail_wants(filter, *event)) batch.events.push_back(std::move(event));
  if (batch.events.size() > most) {
    const std::size_t over = batch.events.size() - most;
    batch.dropped += over;
    batch.events.erase(batch.events.begin(),
                       batch.events.begin() + static_cast<std::ptrdiff_t>(over));
  }
  return batch;
}

}  // namespace sluice::hub
