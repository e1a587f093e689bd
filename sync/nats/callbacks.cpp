// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/callbacks.hpp"

#include <mutex>
#include <unordered_map>

namespace sluice::nats {

namespace {

struct Entry {
  std::recursive_mutex running;  // recursive: a handler may destroy its own subscription
  bool ended = false;
  CallbackSlot::Handlers handlers;
};

struct Registry {
  std::mutex mutex;
  std::uintptr_t next = 1;
  std::unordered_map<std::uintptr_t, std::shared_ptr<Entry>> entries;
};

Registry& registry() {
  static auto* instance = new Registry;  // outlives nats.c's threads, which end after main()
  return *instance;
}

std::shared_ptr<Entry> find(void* closure) {
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.entries.find(reinterpret_cast<std::uintptr_t>(closure));
  return found == all.entries.end() ? nullptr : found->second;
}

}  // namespace

CallbackSlot::CallbackSlot(Handlers handlers) {
  auto entry = std::make_shared<Entry>();
  entry->handlers = std::move(handlers);
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  number_ = all.next++;
  all.entries.emplace(number_, std::move(entry));
}

CallbackSlot::~CallbackSlot() {
  const auto entry = find(closure());
  {
    const std::lock_guard lock(entry->running);
    entry->ended = true;
  }
  auto& all = registry();
  const std::lock_guard lock(all.mutex);
  all.entries.erase(number_);
}

void* CallbackSlot::closure() const {
  return reinterpret_cast<void*>(number_);
}

void CallbackSlot::message(natsConnection*, natsSubscription*, natsMsg* message,
                           void* closure) noexcept {
  MessageHandle owned(message);
  const auto entry = find(closure);
  if (!entry) return;
  const std::lock_guard lock(entry->running);
  if (!entry->ended && entry->handlers.on_message) entry->handlers.on_message(owned.release());
}

void CallbackSlot::error(natsConnection* connection, natsSubscription*, natsStatus status,
                         void* closure) noexcept {
  const auto entry = find(closure);
  if (!entry) return;
  const char* words = nullptr;
  natsConnection_GetLastError(connection, &words);
  const std::string detail = words == nullptr ? std::string() : std::string(words);
  const std::lock_guard lock(entry->running);
  if (!entry->ended && entry->handlers.on_error)
    entry->handlers.on_error(to_error(status, "the server reports", detail));
}

void CallbackSlot::closed(natsConnection*, void* closure) noexcept {
  const auto entry = find(closure);
  if (!entry) return;
  const std::lock_guard lock(entry->running);
  if (!entry->ended && entry->handlers.on_closed) entry->handlers.on_closed();
}

}  // namespace sluice::nats
