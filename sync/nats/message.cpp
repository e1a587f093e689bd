// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "sync/nats/handles.hpp"

namespace sluice::nats {

namespace {
std::string_view view(const char* text) {
  return text == nullptr ? std::string_view() : text;
}
}  // namespace

void Message::Free::operator()(__natsMsg* message) const {
  natsMsg_Destroy(message);
}

std::string_view Message::subject() const {
  return view(natsMsg_GetSubject(message_.get()));
}
std::string_view Message::reply() const {
  return view(natsMsg_GetReply(message_.get()));
}

std::string_view Message::payload() const {
  const char* data = natsMsg_GetData(message_.get());
  if (data == nullptr) return {};
  return {data, static_cast<std::size_t>(natsMsg_GetDataLength(message_.get()))};
}

std::optional<std::string> Message::header(const char* name) const {
  const char* value = nullptr;
  if (natsMsgHeader_Get(message_.get(), name, &value) != NATS_OK || value == nullptr)
    return std::nullopt;
  return std::string(value);
}

int Message::status() const {
  if (natsMsg_GetDataLength(message_.get()) > 0) return 0;
  const char* value = nullptr;
  if (natsMsgHeader_Get(message_.get(), "Status", &value) != NATS_OK || value == nullptr) return 0;
  return static_cast<int>(std::strtol(value, nullptr, 10));
}

}  // namespace sluice::nats
