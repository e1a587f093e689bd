// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/error.hpp"

// What every benchmark says, and how: one JSON line per figure on stdout. scripts/bench.sh makes
// the table of them.
namespace sluice::bench {

struct Figure {
  std::string figure;
  double value = 0;
  std::string unit;
  std::string limit_or_peer;            // in words, with its own figure; may be empty
  std::optional<double> ratio;          // value / peer, or value / limit
  std::optional<double> at_least = {};  // the target, if the issue names one; of `ratio` ...
  std::optional<double> at_most = {};   // ... or, for at_most, of `value`
};
void print(const Figure& figure);

// Everything that cannot be measured ends the program: a benchmark has nobody to answer to.
[[noreturn]] void give_up(const std::string& why);
[[noreturn]] void give_up(const core::Error& why);
template <class Result>
auto need(Result result) {
  if (!result) give_up(result.error());
  if constexpr (!std::is_void_v<typename Result::value_type>) return std::move(*result);
}

double median(std::vector<double> values);
double percentile(std::vector<double> values, double percent);
std::string rounded(double value);  // three digits that count

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// --name=value and --flag, each known name once; anything else ends the program.
class Arguments {
 public:
  Arguments(int count, char** values);
  long number(const std::string& name, long fallback);
  // --name=1,20: at least one, none of them 0.
  std::vector<std::size_t> numbers(const std::string& name, std::vector<std::size_t> fallback);
  bool flag(const std::string& name);
  std::string text(const std::string& name, const std::string& fallback);
  void finish() const;  // give_up() if something was not asked for

 private:
  std::vector<std::pair<std::string, std::string>> given_;
};

}  // namespace sluice::bench
