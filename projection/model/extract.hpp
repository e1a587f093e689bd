// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "core/codec/field.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "projection/model/model.hpp"
#include "projection/value/value.hpp"

namespace sluice::projection {

// "$gateway" or ".a.b". kBadRequest: neither.
core::Result<Source> parse_source(std::string_view text);
// The type that a source always has; nullopt for data fields and constants.
std::optional<Type> source_type(Source::Kind kind);
// A source whose value contains the gateway's name, so that two gateways never share a row.
bool names_gateway(Source::Kind kind);

// A recorded time with what its sender knew of its clock. What no clock can have been is left out.
std::int64_t corrected(std::int64_t wall_ns, std::int64_t clock_ns);

// Reads typed values out of one event. The values are views into the event, into the model and into
// this object: they hold until the next event() call.
class Extractor {
 public:
  void event(const core::EventView& event, bool is_late = false, std::int64_t clock_ns = 0);
  // Value::Kind::kAbsent: the event's data has no such field. kBadRequest: the field's value is
  // outside the type's domain; nothing is ever bent into it.
  core::Result<Value> read(const Source& source, Type type);
  // As what it is, whatever that be. A list or a map, or an int above 64 bits signed, is outside
  // every domain: kBadRequest.
  struct Typed {
    Value value;
    Type type = Type::kText;
  };
  core::Result<Typed> read_any(const Source& source);
  // An int if the value is there and not null, whatever it is; else absent.
  core::Result<Value> presence(const Source& source);
  std::int64_t time() const;  // occurred_at, else the gateway's clock
  // Orders events of one time: by gateway, lane, seq, epoch.
  std::string_view tie_break();

 private:
  core::Result<Value> field(const Source& source, Type type);
  const codec::Scalar& scalar_at(const Source& source);
  std::string_view keep(std::optional<std::string>& slot, std::string text);

  const core::EventView* event_ = nullptr;
  bool is_late_ = false;
  std::int64_t clock_ns_ = 0;
  std::string scalar_of_;  // the field that was read last, as its source says it; empty: none
  codec::Scalar scalar_;
  std::optional<std::string> stream_;
  std::optional<std::string> epoch_;
  std::optional<std::string> id_;
  std::optional<std::string> tie_;
};

}  // namespace sluice::projection
