// SPDX-License-Identifier: Apache-2.0
#include "projection/model/extract.hpp"

#include <array>
#include <cmath>
#include <utility>

#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using Kind = Source::Kind;

constexpr std::int64_t kHourNs = 3'600'000'000'000;
constexpr std::int64_t kDayNs = 24 * kHourNs;
constexpr std::int64_t kExactInReal = std::int64_t{1} << 53;

constexpr std::array<std::pair<std::string_view, Kind>, 15> kNames = {
    {{"$gateway", Kind::kGateway},
     {"$category", Kind::kCategory},
     {"$entity", Kind::kEntity},
     {"$stream", Kind::kStream},
     {"$type", Kind::kType},
     {"$lane", Kind::kLane},
     {"$epoch", Kind::kEpoch},
     {"$id", Kind::kId},
     {"$seq", Kind::kSeq},
     {"$version", Kind::kVersion},
     {"$time", Kind::kTime},
     {"$recorded", Kind::kRecorded},
     {"$hour", Kind::kHour},
     {"$day", Kind::kDay},
     {"$late", Kind::kLate}}};

std::int64_t floor_to(std::int64_t ns, std::int64_t unit) {
  const std::int64_t rest = ns % unit;
  const std::int64_t below = rest < 0 ? rest + unit : rest;
  std::int64_t out = 0;
  return __builtin_sub_overflow(ns, below, &out) ? INT64_MIN : out;
}

std::string_view kind_word(const codec::Scalar& scalar) {
  static constexpr std::array<std::string_view, 9> kKinds = {
      "absent", "nil",    "a bool", "an int",           "an int above 64 bits signed",
      "a real", "a text", "bytes",  "an array or a map"};
  return kKinds[scalar.index()];
}

bool as_real(const codec::Scalar& scalar, double& out) {
  if (const auto* v = std::get_if<double>(&scalar)) return out = *v, std::isfinite(out);
  if (const auto* v = std::get_if<std::int64_t>(&scalar)) {
    out = static_cast<double>(*v);
    return *v >= -kExactInReal && *v <= kExactInReal;
  }
  return false;
}

}  // namespace

Result<Source> parse_source(std::string_view text) {
  Source source;
  source.text = text;
  if (text.starts_with('.')) {
    source.kind = Kind::kField;
    for (const std::string_view part : core::split(text.substr(1), '.')) {
      if (part.empty())
        return fail(Errc::kBadRequest, "'" + core::printable(text) + "' has an empty field name");
      source.path.emplace_back(part);
    }
    return source;
  }
  for (const auto& [name, kind] : kNames)
    if (name == text) {
      source.kind = kind;
      return source;
    }
  std::string all;
  for (const auto& [name, kind] : kNames) all += (all.empty() ? "" : ", ") + std::string(name);
  return fail(Errc::kBadRequest,
              "'" + core::printable(text) +
                  "' is no source: a data field begins with '.', the others are " + all);
}

std::optional<Type> source_type(Kind kind) {
  switch (kind) {
    case Kind::kConstant:
    case Kind::kField:
    case Kind::kLookup:
      return std::nullopt;
    case Kind::kSeq:
    case Kind::kVersion:
      return Type::kInt;
    case Kind::kTime:
    case Kind::kRecorded:
    case Kind::kHour:
    case Kind::kDay:
    case Kind::kWindow:
      return Type::kTime;
    case Kind::kLate:
      return Type::kBool;
    default:
      return Type::kText;
  }
}

std::int64_t corrected(std::int64_t wall_ns, std::int64_t clock_ns) {
  std::int64_t out = 0;
  return __builtin_add_overflow(wall_ns, clock_ns, &out) ? wall_ns : out;
}

bool names_gateway(Kind kind) {
  return kind == Kind::kGateway || kind == Kind::kStream;
}

void Extractor::event(const core::EventView& event, bool is_late, std::int64_t clock_ns) {
  event_ = &event;
  is_late_ = is_late;
  clock_ns_ = clock_ns;
  scalar_of_.clear();
  stream_.reset();
  epoch_.reset();
  id_.reset();
  tie_.reset();
}

std::string_view Extractor::keep(std::optional<std::string>& slot, std::string text) {
  return slot.emplace(std::move(text));
}

std::int64_t Extractor::time() const {
  return event_->occurred_at_ns ? *event_->occurred_at_ns
                                : corrected(event_->recorded.wall_ns, clock_ns_);
}

std::string_view Extractor::tie_break() {
  if (tie_) return *tie_;
  std::string text(event_->gateway);
  text += '\0';
  text += static_cast<char>(event_->lane);
  for (const std::uint64_t number : {event_->seq, event_->epoch.value})
    for (int shift = 56; shift >= 0; shift -= 8)
      text += static_cast<char>((number >> shift) & 0xff);
  return keep(tie_, std::move(text));
}

Result<Value> Extractor::read(const Source& source, Type type) {
  switch (source.kind) {
    case Kind::kConstant:
      return view_of(source.constant);
    case Kind::kField:
      return field(source, type);
    case Kind::kGateway:
      return Value::of(event_->gateway);
    case Kind::kCategory:
      return Value::of(event_->category);
    case Kind::kEntity:
      return Value::of(event_->entity);
    case Kind::kType:
      return Value::of(event_->type);
    case Kind::kLane:
      return Value::of(core::lane_name(event_->lane));
    case Kind::kStream:
      if (stream_) return Value::of(std::string_view(*stream_));
      return Value::of(keep(stream_, std::string(event_->gateway) + "/" +
                                         std::string(event_->category) + "/" +
                                         std::string(event_->entity)));
    case Kind::kEpoch:
      return Value::of(epoch_ ? std::string_view(*epoch_) : keep(epoch_, event_->epoch.text()));
    case Kind::kId:
      return Value::of(id_ ? std::string_view(*id_) : keep(id_, event_->id.text()));
    case Kind::kSeq:
      return Value::of(static_cast<std::int64_t>(event_->seq));
    case Kind::kVersion:
      return Value::of(static_cast<std::int64_t>(event_->version));
    case Kind::kTime:
      return Value::of(time());
    case Kind::kRecorded:
      return Value::of(event_->recorded.wall_ns);
    case Kind::kHour:
      return Value::of(floor_to(time(), kHourNs));
    case Kind::kDay:
      return Value::of(floor_to(time(), kDayNs));
    case Kind::kLate:
      return Value::of(std::int64_t{is_late_ ? 1 : 0});
    case Kind::kWindow: {
      auto at = read(source.window->of, Type::kTime);
      if (at && at->kind == Value::Kind::kInt)
        at->integer = floor_to(at->integer, source.window->size_ns);
      return at;
    }
    case Kind::kLookup:
      break;  // the evaluator's own business
  }
  return fail(Errc::kInternal, "a source of no kind");
}

// One field often feeds several columns, one after the other: its data is walked through once.
const codec::Scalar& Extractor::scalar_at(const Source& source) {
  if (scalar_of_ != source.text) {
    scalar_ = codec::find_field(event_->data, source.path);
    scalar_of_ = source.text;
  }
  return scalar_;
}

Result<Extractor::Typed> Extractor::read_any(const Source& source) {
  if (source.kind != Kind::kField) {
    const Type type = source_type(source.kind).value_or(Type::kText);
    const auto value = read(source, type);
    if (!value) return value.error();
    return Typed{*value, type};
  }
  const codec::Scalar& scalar = scalar_at(source);
  if (std::holds_alternative<codec::Absent>(scalar)) return Typed{};
  if (std::holds_alternative<codec::Nil>(scalar)) return Typed{Value::null(), Type::kText};
  if (const auto* v = std::get_if<bool>(&scalar))
    return Typed{Value::of(std::int64_t{*v ? 1 : 0}), Type::kBool};
  if (const auto* v = std::get_if<std::int64_t>(&scalar)) return Typed{Value::of(*v), Type::kInt};
  if (const auto* v = std::get_if<double>(&scalar)) return Typed{Value::of(*v), Type::kReal};
  if (const auto* v = std::get_if<std::string_view>(&scalar))
    return Typed{Value::of(*v), Type::kText};
  if (const auto* v = std::get_if<codec::Bytes>(&scalar))
    return Typed{Value::bytes(v->value), Type::kBytes};
  return fail(Errc::kBadRequest,
              "the field " + source.text + " is " + std::string(kind_word(scalar)), source.text);
}

Result<Value> Extractor::presence(const Source& source) {
  if (source.kind == Kind::kField) {
    const codec::Scalar& scalar = scalar_at(source);
    if (std::holds_alternative<codec::Absent>(scalar) || std::holds_alternative<codec::Nil>(scalar))
      return Value{};
  }
  return Value::of(std::int64_t{1});
}

Result<Value> Extractor::field(const Source& source, Type type) {
  const codec::Scalar& scalar = scalar_at(source);
  if (std::holds_alternative<codec::Absent>(scalar)) return Value{};
  if (std::holds_alternative<codec::Nil>(scalar)) return Value::null();
  switch (type) {
    case Type::kText:
      if (const auto* v = std::get_if<std::string_view>(&scalar))
        if (v->find('\0') == std::string_view::npos) return Value::of(*v);
      break;
    case Type::kInt:
      if (const auto* v = std::get_if<std::int64_t>(&scalar)) return Value::of(*v);
      break;
    case Type::kReal: {
      double v = 0;
      if (as_real(scalar, v)) return Value::of(v);
      break;
    }
    case Type::kBool:
      if (const auto* v = std::get_if<bool>(&scalar)) return Value::of(std::int64_t{*v ? 1 : 0});
      break;
    case Type::kTime:
      if (const auto* v = std::get_if<std::int64_t>(&scalar)) return Value::of(*v);
      if (const auto* v = std::get_if<std::string_view>(&scalar))
        if (const auto ns = core::parse_time(*v)) return Value::of(*ns);
      break;
    case Type::kList:
      break;
    case Type::kBytes:
      if (const auto* v = std::get_if<codec::Bytes>(&scalar)) return Value::bytes(v->value);
      break;
  }
  return fail(Errc::kBadRequest,
              "the field " + source.text + " is " + std::string(kind_word(scalar)) +
                  " outside the domain of " + std::string(type_word(type)),
              source.text);
}

}  // namespace sluice::projection
