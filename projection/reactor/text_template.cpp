// SPDX-License-Identifier: Apache-2.0
#include "projection/reactor/text_template.hpp"

#include <array>
#include <charconv>

#include "core/codec/field.hpp"
#include "core/text.hpp"
#include "projection/model/extract.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

bool is_place(Source::Kind kind) {
  using enum Source::Kind;
  switch (kind) {
    case kField:
    case kGateway:
    case kCategory:
    case kEntity:
    case kStream:
    case kType:
    case kLane:
    case kEpoch:
    case kId:
    case kSeq:
    case kVersion:
    case kTime:
    case kRecorded:
      return true;
    default:
      return false;
  }
}

template <class Number>
std::string number_text(Number value) {
  std::array<char, 40> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

struct FieldText {
  const Source& place;
  Result<std::string> operator()(codec::Absent) const {
    return fail(Errc::kBadRequest, "the event has no field " + place.text, place.text);
  }
  Result<std::string> operator()(codec::Composite) const {
    return fail(Errc::kBadRequest, "the event's field " + place.text + " is a list or a map",
                place.text);
  }
  Result<std::string> operator()(codec::Nil) const { return std::string(); }
  Result<std::string> operator()(bool value) const { return std::string(value ? "true" : "false"); }
  Result<std::string> operator()(std::int64_t value) const { return number_text(value); }
  Result<std::string> operator()(std::uint64_t value) const { return number_text(value); }
  Result<std::string> operator()(double value) const { return number_text(value); }
  Result<std::string> operator()(std::string_view value) const { return std::string(value); }
  Result<std::string> operator()(codec::Bytes bytes) const { return core::to_base64(bytes.value); }
};

Result<std::string> value_text(const Source& place, const core::EventView& event) {
  using enum Source::Kind;
  switch (place.kind) {
    case kField:
      return std::visit(FieldText{place}, codec::find_field(event.data, place.path));
    case kGateway:
      return std::string(event.gateway);
    case kCategory:
      return std::string(event.category);
    case kEntity:
      return std::string(event.entity);
    case kStream:
      return std::string(event.gateway) + "/" + event.stream().text();
    case kType:
      return std::string(event.type);
    case kLane:
      return std::string(core::lane_name(event.lane));
    case kEpoch:
      return event.epoch.text();
    case kId:
      return event.id.text();
    case kSeq:
      return number_text(event.seq);
    case kVersion:
      return number_text(event.version);
    case kTime:
      return core::format_time(event.occurred_at_ns.value_or(event.recorded.wall_ns));
    case kRecorded:
      return core::format_time(event.recorded.wall_ns);
    default:
      return fail(Errc::kInternal, "a template with an unknown place");
  }
}

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  TextTemplate out;
  Part part;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if (c == '}' && !doubled)
      return fail(Errc::kBadRequest, "a '}' without its '{'; write '}}' for a brace");
    if (c != '{' || doubled) {
      part.text += c;
      at += c == '{' || c == '}' ? 1 : 0;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (end == std::string_view::npos)
      return fail(Errc::kBadRequest, "a '{' without its '}'; write '{{' for a brace");
    const std::string_view name = text.substr(at + 1, end - at - 1);
    auto place = parse_source(name);
    if (!place || !is_place(place->kind))
      return fail(Errc::kBadRequest,
                  "'{" + core::printable(name) +
                      "}' is no place for a value; possible are {.field}, {$gateway}, {$category}, "
                      "{$entity}, {$stream}, {$type}, {$lane}, {$epoch}, {$seq}, {$version}, "
                      "{$id}, {$time} and {$recorded}");
    part.has_place = true;
    part.place = std::move(*place);
    out.parts_.push_back(std::move(part));
    part = {};
    at = end;
  }
  if (!part.text.empty()) out.parts_.push_back(std::move(part));
  return out;
}

Result<std::string> TextTemplate::render(const core::EventView& event) const {
  std::string out;
  for (const Part& part : parts_) {
    out += part.text;
    if (!part.has_place) continue;
    auto value = value_text(part.place, event);
    if (!value) return value.error();
    out += *value;
  }
  return out;
}

}  // namespace sluice::projection
