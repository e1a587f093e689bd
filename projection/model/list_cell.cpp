// SPDX-License-Identifier: Apache-2.0
#include "projection/model/list_cell.hpp"

#include <tuple>

#include "core/json.hpp"
#include "core/text.hpp"
#include "projection/model/words.hpp"

namespace sluice::projection {
namespace {

struct Entry {
  std::int64_t time = 0;
  std::string_view tie_break;
  std::string_view item;
};

void put_number(std::string& out, std::uint64_t number, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out += static_cast<char>((number >> shift) & 0xff);
}

std::uint64_t take_number(std::string_view& from, std::size_t bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < bytes; ++i) out = out << 8 | static_cast<unsigned char>(from[i]);
  from.remove_prefix(bytes);
  return out;
}

std::string_view take_text(std::string_view& from, std::size_t bytes) {
  const std::string_view out = from.substr(0, bytes);
  from.remove_prefix(out.size());
  return out;
}

// One entry: time (8 bytes), length of the tie-break (2), it, length of the item (4), it.
constexpr std::size_t kEntryMin = 14;

std::vector<Entry> entries_of(std::string_view stored) {
  std::vector<Entry> out;
  while (stored.size() >= kEntryMin) {
    Entry& entry = out.emplace_back();
    entry.time = static_cast<std::int64_t>(take_number(stored, 8));
    entry.tie_break = take_text(stored, take_number(stored, 2));
    entry.item = take_text(stored, stored.size() < 4 ? 0 : take_number(stored, 4));
  }
  return out;
}

// A real stays one for readers that tell 1 from 1.0.
std::string real_text(double value) {
  std::string out = constant_text(Cell(value));
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::string json_of(const Value& value, Type type) {
  switch (value.kind) {
    case Value::Kind::kInt:
      if (type == Type::kBool) return value.integer != 0 ? "true" : "false";
      if (type == Type::kTime) return "\"" + core::format_time(value.integer) + "\"";
      return std::to_string(value.integer);
    case Value::Kind::kReal:
      return real_text(value.real);
    case Value::Kind::kText:
      return core::to_json(core::json::value(value.text));
    default:
      return "null";
  }
}

}  // namespace

std::optional<std::string> list_item(const std::vector<ListItem>& items,
                                     const std::vector<Value>& values) {
  std::string out;
  if (items.size() == 1 && items[0].name.empty()) {
    out = json_of(values[0], items[0].type);
  } else {
    for (std::size_t i = 0; i < items.size(); ++i)
      out += (out.empty() ? "{" : ",") + core::to_json(core::json::value(items[i].name)) + ":" +
             json_of(values[i], items[i].type);
    out += "}";
  }
  if (out.size() > kListItemBytesMax) return std::nullopt;
  return out;
}

std::string list_insert(std::string_view stored, std::int64_t time, std::string_view tie_break,
                        std::string_view item, std::size_t limit) {
  std::vector<Entry> entries = entries_of(stored);
  auto at = entries.end();
  while (at != entries.begin() &&
         std::tie((at - 1)->time, (at - 1)->tie_break) > std::tie(time, tie_break))
    --at;
  entries.insert(at, {time, tie_break, item});
  const std::size_t first = entries.size() > limit ? entries.size() - limit : 0;
  std::string out;
  for (std::size_t i = first; i < entries.size(); ++i) {
    put_number(out, static_cast<std::uint64_t>(entries[i].time), 8);
    put_number(out, entries[i].tie_break.size(), 2);
    out += entries[i].tie_break;
    put_number(out, entries[i].item.size(), 4);
    out += entries[i].item;
  }
  return out;
}

std::string list_json(std::string_view stored) {
  std::string out;
  for (const Entry& entry : entries_of(stored))
    out += (out.empty() ? "[" : ",") + std::string(entry.item);
  return out.empty() ? "[]" : out + "]";
}

}  // namespace sluice::projection
