// SPDX-License-Identifier: Apache-2.0
// Reads a NAME.test.toml file.
#include <charconv>
#include <sstream>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "core/toml_depth.hpp"
#include "projection/model/toml_cursor.hpp"
#include "projection/trial/trial.hpp"

namespace sluice::projection {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kBegin = 1'767'225'600 * kSecond;  // 2026-01-01T00:00:00Z

std::string real_text(double value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  std::string out(text, end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";  // a real stays one
  return out;
}

template <class Value>
std::string toml_text(const Value& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

class TrialParser {
 public:
  TrialParser(const toml::table& root, const std::string& file) : root_(root), errors_(file) {}

  core::Result<std::vector<Trial>> run() {
    refuse_unknown(root_, {"defaults", "test"}, errors_);
    if (const toml::table* given = table_at(root_, "defaults", errors_)) {
      refuse_unknown(*given, {"gateway", "epoch", "lane", "stream", "type"}, errors_);
      event(*given, defaults_);
    }
    const toml::node* node = root_.get("test");
    const toml::array* list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty())
      errors_.add(root_, "no [[test]]");
    else
      for (const toml::node& item : *list)
        if (const toml::table* one = item.as_table())
          trial(*one);
        else
          errors_.add(item, "must be a section [[test]]");
    if (!errors_.empty()) return errors_.all();
    return std::move(trials_);
  }

 private:
  void trial(const toml::table& from) {
    refuse_unknown(from, {"name", "events", "expect", "some", "parked"}, errors_);
    Trial out;
    out.where = place_of(from.source());
    out.name = text_at(from, "name", errors_).value_or("");
    if (out.name.empty()) errors_.add(from, "a test needs a name");
    each(from, "events", [&](const toml::table& one) {
      TrialEvent made = defaults_;
      made.recorded_ns = kBegin + static_cast<std::int64_t>(out.events.size()) * kSecond;
      refuse_unknown(
          one, {"gateway", "epoch", "lane", "stream", "type", "data", "time", "recorded", "gap"},
          errors_);
      event(one, made);
      if (made.gap == 0 && (made.stream.category.empty() || made.type.empty()))
        errors_.add(one,
                    "an event needs stream = \"category/entity\" and type, here or in [defaults]");
      out.events.push_back(std::move(made));
    });
    tables(from, "expect", true, out);
    tables(from, "some", false, out);
    each(from, "parked", [&](const toml::table& one) {
      refuse_unknown(one, {"type", "kind", "why"}, errors_);
      out.parked.push_back({text_at(one, "type", errors_).value_or(""),
                            text_at(one, "kind", errors_).value_or(""),
                            text_at(one, "why", errors_).value_or("")});
    });
    trials_.push_back(std::move(out));
  }

  template <class Take>
  void each(const toml::table& from, std::string_view key, Take&& take) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return;
    const toml::array* list = node->as_array();
    if (list == nullptr)
      return errors_.add(*node, "'" + std::string(key) + "' is a list of { ... }");
    for (const toml::node& item : *list)
      if (const toml::table* one = item.as_table())
        take(*one);
      else
        errors_.add(item, "must be { ... }");
  }

  std::optional<std::int64_t> time_at(const toml::table& from, std::string_view key) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return std::nullopt;
    std::string text;
    if (const auto* stamp = node->as_date_time())
      text = toml_text(stamp->get());
    else
      text = node->value_exact<std::string>().value_or("");
    const auto at = core::parse_time(text);
    if (at) return *at;
    errors_.add(*node, "'" + std::string(key) + "' must be a time such as 2026-11-21T03:00:00Z");
    return std::nullopt;
  }

  std::uint64_t number_at(const toml::table& from, std::string_view key, std::uint64_t fallback) {
    const toml::node* node = from.get(key);
    if (node == nullptr) return fallback;
    const auto number = node->value_exact<std::int64_t>();
    if (number && *number > 0) return static_cast<std::uint64_t>(*number);
    errors_.add(*node, "'" + std::string(key) + "' must be a whole number from 1 on");
    return fallback;
  }

  void event(const toml::table& from, TrialEvent& out) {
    if (auto gateway = text_at(from, "gateway", errors_)) {
      if (!core::GatewayId::parse(*gateway)) errors_.add(*from.get("gateway"), "no gateway id");
      out.gateway = std::move(*gateway);
    }
    out.epoch = number_at(from, "epoch", out.epoch);
    out.gap = number_at(from, "gap", 0);
    if (const auto name = text_at(from, "lane", errors_)) {
      if (const auto lane = core::parse_lane(*name))
        out.lane = *lane;
      else
        errors_.add(*from.get("lane"), lane.error().message);
    }
    if (const auto text = text_at(from, "stream", errors_)) {
      if (auto stream = core::StreamName::parse(*text))
        out.stream = std::move(*stream);
      else
        errors_.add(*from.get("stream"), "a stream is \"category/entity\"");
    }
    if (auto type = text_at(from, "type", errors_)) out.type = std::move(*type);
    if (const toml::node* data = from.get("data")) {
      out.data.clear();
      json(*data, out.data);
    }
    out.occurred_at_ns = time_at(from, "time");
    if (const auto recorded = time_at(from, "recorded"))
      out.recorded_ns = *recorded;
    else if (out.occurred_at_ns)
      out.recorded_ns = *out.occurred_at_ns;
  }

  // What TOML cannot say, null, is an empty { } where a single value is meant.
  void json(const toml::node& node, std::string& out) {
    if (const toml::table* table = node.as_table()) {
      if (table->empty() && depth_ != 0) {
        out += "null";
        return;
      }
      ++depth_;
      out += '{';
      for (const TomlEntry& entry : entries_of(*table)) {
        if (out.back() != '{') out += ',';
        codec::append_json_text(entry.key, out);
        out += ':';
        json(*entry.node, out);
      }
      out += '}';
      --depth_;
    } else if (const toml::array* list = node.as_array()) {
      ++depth_;
      out += '[';
      for (const toml::node& item : *list) {
        if (out.back() != '[') out += ',';
        json(item, out);
      }
      out += ']';
      --depth_;
    } else if (const auto whole = node.value_exact<std::int64_t>()) {
      out += std::to_string(*whole);
    } else if (const auto real = node.value_exact<double>()) {
      out += real_text(*real);
    } else if (const auto flag = node.value_exact<bool>()) {
      out += *flag ? "true" : "false";
    } else if (const auto text = node.value_exact<std::string>()) {
      codec::append_json_text(*text, out);
    } else if (const auto* stamp = node.as_date_time()) {
      codec::append_json_text(toml_text(stamp->get()), out);
    } else {
      errors_.add(node, "JSON has no such value");
    }
  }

  TrialCell cell(const toml::node& node) {
    if (const toml::table* table = node.as_table(); table != nullptr && table->empty())
      return std::monostate{};
    if (const auto whole = node.value_exact<std::int64_t>()) return *whole;
    if (const auto real = node.value_exact<double>()) return *real;
    if (const auto flag = node.value_exact<bool>()) return *flag;
    if (auto text = node.value_exact<std::string>()) return std::move(*text);
    if (const auto* stamp = node.as_date_time()) return toml_text(stamp->get());
    TrialJson made;
    json(node, made.text);
    return made;
  }

  void tables(const toml::table& from, std::string_view key, bool all, Trial& out) {
    const toml::table* given = table_at(from, key, errors_);
    if (given == nullptr) return;
    for (const TomlEntry& entry : entries_of(*given)) {
      TrialTable table{entry.key, all, {}, place_of(entry.where)};
      each(*given, entry.key, [&](const toml::table& one) {
        TrialRow row;
        row.where = place_of(one.source());
        for (const TomlEntry& column : entries_of(one))
          row.cells.emplace_back(column.key, cell(*column.node));
        table.rows.push_back(std::move(row));
      });
      out.tables.push_back(std::move(table));
    }
  }

  const toml::table& root_;
  TomlErrors errors_;
  TrialEvent defaults_;
  std::vector<Trial> trials_;
  int depth_ = 0;
};

}  // namespace

core::Result<std::vector<Trial>> parse_trials(std::string_view toml, const std::string& file) {
  if (const auto line = core::too_deep_line(toml))
    return core::fail(core::Errc::kConfig, file + ":" + std::to_string(*line) +
                                               ":1: " + std::string(core::kTooDeepWords));
  const auto parsed = toml::parse(toml, file);
  if (parsed) return TrialParser(parsed.table(), file).run();
  TomlErrors errors(file);
  errors.add(parsed.error().source(), std::string(parsed.error().description()));
  return errors.all();
}

}  // namespace sluice::projection
