// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/reactor/text_template.hpp"

// What a `*.reactor.toml` file says, checked (docs/reactors.md). Immutable after loading; any
// thread.
namespace sluice::projection {

struct Webhook {
  std::string url;  // http:// or https://, the operator's own words: no place for values
  std::vector<std::pair<std::string, TextTemplate>> headers;
  std::vector<std::pair<std::string, TextTemplate>> body;  // empty: the event and what it is for
  std::string secret_file;                                 // empty: not signed
};

struct Email {
  std::vector<TextTemplate> to;
  TextTemplate subject;
  TextTemplate body;
};

// One [[on]]: what follows from events of these types.
struct Reaction {
  std::string name;  // unique in its reactor; part of each message's idempotency key
  std::vector<std::string> types;
  std::vector<std::string> categories;  // empty: all but Sluice's own
  std::variant<Webhook, Email> message;
  bool fits(const core::EventView& event) const;
};

struct DeliverySettings {
  std::int64_t concurrency = 4;  // messages on their way at one time
  std::chrono::milliseconds timeout{10'000};
  std::int64_t attempts = 20;  // that the receiver may refuse before it is a dead letter
  std::chrono::milliseconds backoff_first{1'000};
  std::chrono::milliseconds backoff_last{300'000};
};

struct SmtpSettings {
  std::string url;     // smtp://host:port or smtps://host:port
  std::string sender;  // the From address
  bool starttls = true;
  std::string user_file, password_file, ca_file;
};

class Reactor {
 public:
  // kConfig with one line per error, each with file, line and column.
  static core::Result<std::shared_ptr<const Reactor>> load(const std::string& path);
  static core::Result<std::shared_ptr<const Reactor>> parse(std::string_view toml,
                                                            const std::string& file);

  const std::string& name() const { return name_; }  // [a-z][a-z0-9-]{0,47}
  const std::string& file() const { return file_; }
  // A new reactor acts upon what its hub streams already have; else only upon what comes.
  bool from_beginning() const { return from_beginning_; }
  const std::vector<Reaction>& reactions() const { return reactions_; }
  const Reaction* find(std::string_view reaction) const;
  const DeliverySettings& delivery() const { return delivery_; }
  const std::optional<SmtpSettings>& smtp() const { return smtp_; }
  // `where`; the reactions' own types come after it.
  bool wants(const core::EventView& event) const;

 private:
  friend class ReactorParser;
  std::string name_;
  std::string file_;
  bool from_beginning_ = false;
  std::vector<std::string> gateways_;  // a trailing '*' stands for any ending
  std::vector<std::string> categories_;
  std::vector<std::string> types_;
  std::vector<Reaction> reactions_;
  DeliverySettings delivery_;
  std::optional<SmtpSettings> smtp_;
};

// "<reactor>/<reaction>/<identity>": the same for every try of one message, for ever.
std::string idempotency_key(std::string_view reactor, std::string_view reaction,
                            const core::EventView& event);

}  // namespace sluice::projection
