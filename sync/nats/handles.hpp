// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nats/nats.h>

#include <memory>
#include <string>

#include "core/result.hpp"
#include "sync/nats/connection.hpp"

// Inside this folder only: owners of nats.c's handles.
namespace sluice::nats {

struct OptionsFree {
  void operator()(natsOptions* options) const { natsOptions_Destroy(options); }
};
using OptionsHandle = std::unique_ptr<natsOptions, OptionsFree>;

struct MessageFree {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};
using MessageHandle = std::unique_ptr<natsMsg, MessageFree>;

// The class of a status, with nats.c's words; `doing` says what was tried.
core::Error to_error(natsStatus status, const std::string& doing, const std::string& detail = {});
// nats.c's words for the calling thread's last failure; empty if it has none.
std::string last_error_text();

// Everything but callbacks: the server, login, TLS, timers, no reconnect, no buffer.
core::Result<OptionsHandle> make_options(const ConnectionOptions& options, const std::string& url,
                                         const std::string& inbox_prefix);

// "nats://user:secret@host:4222" without what lies between // and @.
std::string without_login(const std::string& url);

}  // namespace sluice::nats
