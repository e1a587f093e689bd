// SPDX-License-Identifier: Apache-2.0
// The part of the model's parser that reads a table's window.
#include <algorithm>
#include <array>
#include <charconv>

#include "core/text.hpp"
#include "projection/model/extract.hpp"
#include "projection/model/parser.hpp"

namespace sluice::projection {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kSecondsMax = 366LL * 86'400;

// "90s", "5m", "1h", "7d"; nanoseconds.
std::optional<std::int64_t> span_of(std::string_view text) {
  static constexpr std::array<std::pair<char, std::int64_t>, 4> kUnits = {
      {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86'400}}};
  if (text.size() < 2) return std::nullopt;
  std::int64_t number = 0;
  const char* end = text.data() + text.size() - 1;
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || at != end || number < 1 || number > kSecondsMax) return std::nullopt;
  for (const auto& [unit, seconds] : kUnits)
    if (unit == *end && number * seconds <= kSecondsMax) return number * seconds * kSecond;
  return std::nullopt;
}

}  // namespace

// window = { of = "$time", size = "5m", late = "1h", beyond = "ignore" }
std::shared_ptr<Window> ModelParser::window(const toml::table& from) {
  refuse_unknown(from, {"of", "size", "late", "beyond"}, errors_);
  auto made = std::make_shared<Window>();
  const auto span = [&](const char* name, std::int64_t& out) {
    const auto text = text_at(from, name, errors_);
    const auto ns = text ? span_of(*text) : std::nullopt;
    if (text && !ns)
      errors_.add(
          *from.get(name),
          "'" + std::string(name) + "' is a number of s, m, h or d, such as \"5m\", at most 366d");
    out = ns.value_or(kSecond);
  };
  if (!from.contains("size")) errors_.add(from, "a window needs its size, such as size = \"5m\"");
  span("size", made->size_ns);
  const auto of = text_at(from, "of", errors_);
  const auto source = parse_source(of.value_or("$time"));
  if (!source)
    errors_.add(*from.get("of"), source.error().message);
  else if (const auto type = source_type(source->kind); type && *type != Type::kTime)
    errors_.add(*from.get("of"), source->text + " is no time");
  else
    made->of = *source;
  if (from.contains("late")) {
    span("late", made->late_ns.emplace());
    if (!from.contains("beyond"))
      errors_.add(from,
                  "what becomes of an event that is later than that? beyond = \"ignore\" (it "
                  "takes no part in the table), \"park\" or { count = \"column\" }");
  } else if (from.contains("beyond")) {
    errors_.add(*from.get("beyond"), "'beyond' needs 'late'");
  }
  return made;
}

void ModelParser::window_column(Table& table, Window& window, const toml::table& from) {
  if (std::none_of(table.key.begin(), table.key.end(),
                   [](const Column& key) { return key.source.kind == Source::Kind::kWindow; }))
    errors_.add(from,
                "the key needs a column for the window's beginning, such as start = \"$window\"");
  const toml::node* beyond = from.get("beyond");
  if (beyond == nullptr) return;
  const auto word = beyond->value_exact<std::string>();
  const toml::table* parts = beyond->as_table();
  if (word == "ignore") {
    window.beyond = Window::Beyond::kIgnore;
  } else if (word == "park") {
    window.beyond = Window::Beyond::kPark;
  } else if (parts != nullptr && parts->size() == 1 && parts->contains("count")) {
    window.beyond = Window::Beyond::kCount;
    const toml::node& node = *parts->get("count");
    const auto at =
        column_named(table, {node.value_exact<std::string>().value_or(""), &node, node.source()});
    if (!at) return;
    window.column = *at;
    Column& column = table.columns[*at];
    if (column.type != Type::kInt) errors_.add(node, "it counts: the column must be of type int");
    if (!column.fallback) column.fallback = Cell(std::int64_t{0});
  } else {
    errors_.add(*beyond, "'beyond' is \"ignore\", \"park\" or { count = \"column\" }");
  }
}

}  // namespace sluice::projection
