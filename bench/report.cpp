// SPDX-License-Identifier: Apache-2.0
#include "bench/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "core/json.hpp"

namespace sluice::bench {

namespace {

std::string quoted(const std::string& text) {
  return core::to_json(core::json::value(text));
}

}  // namespace

void print(const Figure& figure) {
  std::string target = "null", met = "null";
  if (figure.at_least) {
    target = quoted("ratio >= " + rounded(*figure.at_least));
    met = figure.ratio.value_or(0) >= *figure.at_least ? "true" : "false";
  } else if (figure.at_most) {
    target = quoted("<= " + rounded(*figure.at_most) + " " + figure.unit);
    met = figure.value <= *figure.at_most ? "true" : "false";
  }
  std::printf(
      "{\"figure\":%s,\"value\":%s,\"unit\":%s,\"limit_or_peer\":%s,\"ratio\":%s,"
      "\"target\":%s,\"met\":%s}\n",
      quoted(figure.figure).c_str(), rounded(figure.value).c_str(), quoted(figure.unit).c_str(),
      quoted(figure.limit_or_peer).c_str(), figure.ratio ? rounded(*figure.ratio).c_str() : "null",
      target.c_str(), met.c_str());
  std::fflush(stdout);
}

void give_up(const std::string& why) {
  std::fprintf(stderr, "cannot measure: %s\n", why.c_str());
  std::exit(1);
}

void give_up(const core::Error& why) {
  give_up(core::to_string(why));
}

double median(std::vector<double> values) {
  return percentile(std::move(values), 50);
}

double percentile(std::vector<double> values, double percent) {
  if (values.empty()) give_up("no measurement to take a percentile of");
  std::sort(values.begin(), values.end());
  const double at = percent / 100 * static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(std::lround(at))];
}

std::string rounded(double value) {
  char text[64];
  std::snprintf(text, sizeof text, std::abs(value) >= 1000 ? "%.0f" : "%.3g", value);
  return text;
}

Arguments::Arguments(int count, char** values) {
  for (int i = 1; i < count; ++i) {
    const std::string word = values[i];
    if (!word.starts_with("--")) give_up("unknown argument " + word);
    const auto equals = word.find('=');
    given_.emplace_back(word.substr(2, equals - 2),
                        equals == std::string::npos ? "" : word.substr(equals + 1));
  }
}

std::string Arguments::text(const std::string& name, const std::string& fallback) {
  const auto found = std::find_if(given_.begin(), given_.end(),
                                  [&](const auto& given) { return given.first == name; });
  if (found == given_.end()) return fallback;
  std::string value = found->second;
  given_.erase(found);
  return value;
}

long Arguments::number(const std::string& name, long fallback) {
  const std::string value = text(name, std::to_string(fallback));
  char* end = nullptr;
  const long number = std::strtol(value.c_str(), &end, 10);
  if (value.empty() || *end != '\0') give_up("--" + name + " wants a number");
  return number;
}

std::vector<std::size_t> Arguments::numbers(const std::string& name,
                                            std::vector<std::size_t> fallback) {
  std::stringstream given(text(name, ""));
  std::vector<std::size_t> out;
  for (std::string one; std::getline(given, one, ',');) {
    char* end = nullptr;
    out.push_back(std::strtoul(one.c_str(), &end, 10));
    if (*end != '\0' || out.back() == 0) give_up("--" + name + " wants numbers above 0");
  }
  return out.empty() ? fallback : out;
}

bool Arguments::flag(const std::string& name) {
  return text(name, "no").empty();
}

void Arguments::finish() const {
  if (!given_.empty()) give_up("unknown argument --" + given_.front().first);
}

}  // namespace sluice::bench
